//! A stand-in for a W&B server or for a proxy: it answers by a script, breaks
//! off, hangs or babbles as the script says, and remembers what it was sent.
//! Loopback only, threads only. Include it with `#[path = …] mod stub`.

#![allow(unreachable_pub)] // several test binaries share this file

// Each test that includes this uses a part of it.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A viewer as W&B's server sends it.
pub const VIEWER: &str = r#"{"data": {"viewer": {"id": "VXNlcjox", "entity": "ent", "username": "usr", "email": "e@x", "flags": "{}", "teams": {"edges": [{"node": {"name": "ent"}}, {"node": {"name": "team2"}}]}}}}"#;

/// What the server does once it has read a request. The last of a script is
/// repeated.
#[derive(Clone, Debug)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// The end of the connection.
    Close,
    /// No response until the client closes the connection.
    Hang,
    /// These bytes, one by one.
    Drip(Vec<u8>, Duration),
    /// A good beginning, and a body without end.
    Endless,
    /// `200` to a CONNECT, whatever host it names, and a tunnel to this address.
    Tunnel(SocketAddr),
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply::Answer {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Reply {
        if let Reply::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn viewer() -> Reply {
        Reply::new(200, VIEWER).header("Content-Type", "application/json")
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    /// The path, or the whole address that a proxy gets.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// A header's value; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

pub struct Stub {
    pub address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
    accepting: Option<JoinHandle<()>>,
}

/// The reply to a request, by its number and content. Raw bytes are no request.
type Answers = Box<dyn Fn(usize, Option<&Seen>) -> Reply + Send + Sync>;

struct State {
    raw: bool,
    answers: Answers,
    tls: Option<Arc<rustls::ServerConfig>>,
    connections: AtomicUsize,
    answered: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    over: AtomicBool,
}

impl Stub {
    pub fn http(script: impl Into<Vec<Reply>>) -> Stub {
        Stub::start("http", None, in_turn(script))
    }

    /// A server or proxy whose reply depends on the request; https with an identity.
    pub fn answering(
        identity: Option<&Identity>,
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Stub {
        let (scheme, tls) = match identity {
            Some(identity) => ("https", Some(Arc::clone(&identity.config))),
            None => ("http", None),
        };
        let answers = move |_, seen: Option<&Seen>| answer(seen.expect("a request"));
        Stub::start(scheme, tls, Box::new(answers))
    }

    /// A server that replies to any first bytes: for what is not HTTP.
    pub fn raw(script: impl Into<Vec<Reply>>) -> Stub {
        Stub::start("raw", None, in_turn(script))
    }

    pub fn https(identity: &Identity, script: impl Into<Vec<Reply>>) -> Stub {
        let tls = Some(Arc::clone(&identity.config));
        Stub::start("https", tls, in_turn(script))
    }

    fn start(
        scheme: &'static str,
        tls: Option<Arc<rustls::ServerConfig>>,
        answers: Answers,
    ) -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind the loopback");
        let address = listener.local_addr().expect("local address");
        let state = Arc::new(State {
            raw: scheme == "raw",
            answers,
            tls,
            connections: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            seen: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for stream in listener.incoming() {
                    if state.over.load(Ordering::SeqCst) {
                        break;
                    }
                    let Ok(stream) = stream else { continue };
                    state.connections.fetch_add(1, Ordering::SeqCst);
                    let state = Arc::clone(&state);
                    // A client that goes away in the middle is no failure.
                    thread::spawn(move || drop(state.serve(stream)));
                }
            }
        });
        Stub {
            address,
            scheme,
            state,
            accepting: Some(accepting),
        }
    }

    /// The address under a name of the loopback.
    pub fn url(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.scheme, self.address.port())
    }

    /// Every request so far, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no panic").clone()
    }

    /// How often anybody connected, whether a request came or not.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// The replies of a script; the last one is repeated.
fn in_turn(script: impl Into<Vec<Reply>>) -> Answers {
    let script = script.into();
    assert!(!script.is_empty(), "a stub needs something to say");
    Box::new(move |turn, _| script[turn.min(script.len() - 1)].clone())
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl State {
    fn serve(&self, tcp: TcpStream) -> io::Result<()> {
        // Ends the threads of a test that failed.
        tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
        tcp.set_nodelay(true)?;
        let Some(config) = &self.tls else {
            let mut stream = &tcp;
            let reply = self.listen(&mut stream)?;
            if let Reply::Tunnel(upstream) = reply {
                return tunnel(tcp, upstream);
            }
            self.answer(&mut stream, reply)?;
            return finish(&tcp);
        };
        let session =
            rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(session, &tcp);
        let reply = self.listen(&mut stream)?;
        self.answer(&mut stream, reply)?;
        stream.conn.send_close_notify();
        stream.flush()?;
        finish(&tcp)
    }

    fn listen(&self, stream: &mut dyn Stream) -> io::Result<Reply> {
        let seen = match self.raw {
            true => {
                let _ = stream.read(&mut [0; 1024])?;
                None
            }
            false => Some(read_request(stream)?),
        };
        if let Some(seen) = &seen {
            self.seen.lock().expect("no panic").push(seen.clone());
        }
        let turn = self.answered.fetch_add(1, Ordering::SeqCst);
        Ok((self.answers)(turn, seen.as_ref()))
    }

    fn answer(&self, stream: &mut dyn Stream, reply: Reply) -> io::Result<()> {
        match reply {
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let mut head = format!("HTTP/1.1 {status} Stub\r\nConnection: close\r\n");
                for (name, value) in headers {
                    head += &format!("{name}: {value}\r\n");
                }
                if status != 204 {
                    head += &format!("Content-Length: {}\r\n", body.len());
                }
                stream.write_all(format!("{head}\r\n").as_bytes())?;
                stream.write_all(&body)
            }
            Reply::Raw(bytes) => stream.write_all(&bytes),
            Reply::Close | Reply::Tunnel(_) => Ok(()),
            Reply::Hang => {
                while !self.over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            }
            Reply::Drip(bytes, pause) => {
                for byte in bytes {
                    stream.write_all(&[byte])?;
                    stream.flush()?;
                    thread::sleep(pause);
                }
                Ok(())
            }
            Reply::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"data\":\"")?;
                loop {
                    stream.write_all(&[b'x'; 4096])?;
                }
            }
        }
    }
}

/// Closes the connection after the client has read everything: closing with unread
/// input may discard data in transit.
fn finish(mut tcp: &TcpStream) -> io::Result<()> {
    tcp.shutdown(Shutdown::Write)?;
    tcp.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut rest = [0; 1024];
    while matches!(tcp.read(&mut rest), Ok(size) if size > 0) {}
    Ok(())
}

/// The head of a request, and the part of its body that came with it. The head is read
/// in large pieces: the longest key makes it 90 kB.
fn read_head(stream: &mut dyn Stream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::new();
    while head.len() < 1 << 20 {
        let searched = head.len().saturating_sub(END.len() - 1);
        let mut piece = [0; 8192];
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            size => head.extend(&piece[..size]),
        }
        let mut places = head[searched..].windows(END.len());
        if let Some(at) = places.position(|bytes| bytes == END) {
            let body = head.split_off(searched + at + END.len());
            return Ok((head, body));
        }
    }
    Err(io::Error::other("no end of the request's head"))
}

fn read_request(stream: &mut dyn Stream) -> io::Result<Seen> {
    let (head, mut body) = read_head(stream)?;
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, target) = (word(), word());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut seen = Seen {
        at: Instant::now(),
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length = seen
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let read = body.len();
    body.resize(length.unwrap_or(0), 0);
    if let Some(rest) = body.get_mut(read..) {
        stream.read_exact(rest)?;
    }
    seen.body = body;
    Ok(seen)
}

fn tunnel(client: TcpStream, upstream: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let back = thread::spawn({
        let (from, to) = (server.try_clone()?, client.try_clone()?);
        move || copy(from, to)
    });
    copy(client, server);
    let _ = back.join();
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// A certificate authority of our own, made for one test.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and key.
pub struct Identity {
    pem: String,
    config: Arc<rustls::ServerConfig>,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// For a file that SSL_CERT_FILE names.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names, valid today.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_for_years(names, 2020..2090)
    }

    /// A certificate with a common name and no subject alternative name.
    pub fn issue_with_common_name(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = parameters(&[name], 2020..2090);
        params.subject_alt_names.clear();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity::new(&certificate, &key)
    }

    pub fn issue_for_years(&self, names: &[&str], years: std::ops::Range<i32>) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = parameters(names, years);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity::new(&certificate, &key)
    }
}

impl Identity {
    /// A self-signed certificate; with `ca` as `openssl req -x509` makes it.
    pub fn self_signed(names: &[&str], ca: bool) -> Identity {
        Identity::self_signed_for_years(names, ca, 2020..2090)
    }

    pub fn self_signed_for_years(
        names: &[&str],
        ca: bool,
        years: std::ops::Range<i32>,
    ) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = parameters(names, years);
        if ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        Identity::new(&params.self_signed(&key).expect("a certificate"), &key)
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its key");
        Identity {
            pem: certificate.pem(),
            config: Arc::new(config),
        }
    }
}

fn parameters(names: &[&str], years: std::ops::Range<i32>) -> CertificateParams {
    let subject = names.first().copied().unwrap_or("server").to_owned();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    // Another name than its issuer's, or OpenSSL takes it for self-signed.
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, subject);
    params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    params
}
