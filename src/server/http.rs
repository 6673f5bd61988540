//! Sends a POST request, with a deadline, cancellation and retries.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Uri, header};
use ureq::unversioned::transport::Connector;

use super::connect::{Route, RouteConnector, RouteResolver};
use super::echoed_secrets::{self, MaskConnector};
use super::error::{RequestError, Subject, timed_out};
use super::gzip;
use super::proxy::Proxy;
use super::settings::Transport;
use super::tls::{self, TlsConnector};
use super::wait::Wait;
use super::zeroizing::wiped_header;
use crate::error::{Error, Result};
use crate::formats::date;
use crate::options::Attempts;
use crate::util::secret::{Secret, WipedBytes};

/// The size limit of a response body.
pub(super) const BODY_LIMIT: usize = 1 << 20;
/// The size limit of a response's status line and headers.
const HEAD_LIMIT: usize = 32 << 10;
/// The number of retries of the SDK's client.
const RETRIES: u32 = 20;
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The polling interval for cancellation.
const POLL: Duration = Duration::from_millis(50);
/// How long to wait for a worker thread to end after its connection was closed.
const GRACE: Duration = Duration::from_millis(10);

pub(super) struct Request {
    pub url: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: WipedBytes,
}

impl Request {
    /// An upper bound for the size of the request line and headers.
    fn head_size(&self) -> usize {
        let headers = self.headers.iter();
        let sizes = headers.map(|(name, value)| name.as_str().len() + value.len() + 4);
        // A proxy gets the server's URL twice; the rest is framing.
        2 * self.url.len() + sizes.sum::<usize>() + 4096
    }
}

pub(super) struct Response {
    pub status: u16,
    pub location: Option<String>,
    pub retry_after: Option<Duration>,
    /// The clock of the server, in Unix seconds.
    pub date: Option<i64>,
    pub body: WipedBytes,
    /// What was sent and must not be quoted.
    pub secrets: Arc<[Secret]>,
}

impl Response {
    /// Masks the secrets that the body repeats.
    pub(super) fn mask(&mut self) {
        echoed_secrets::unescape(&mut self.body);
        echoed_secrets::mask(&mut self.body, &self.secrets, echoed_secrets::SHORTEST);
    }

    /// Text of the response for a message.
    pub(super) fn quote(&self, text: &[u8]) -> String {
        let mut text = WipedBytes::new(text.to_vec());
        echoed_secrets::mask(&mut text, &self.secrets, 1);
        echoed_secrets::show(&String::from_utf8_lossy(&text))
    }
}

/// Sends the request. Temporary failures are retried while the deadline allows
/// the next pause.
pub(super) fn post(
    mut request: Request,
    subject: &Subject,
    transport: &Transport,
    wait: &Wait,
) -> Result<Response> {
    let route = Arc::new(route(&mut request, subject, transport)?);
    let request = Arc::new(request);
    let mut retries = 0;
    loop {
        let agent = agent(&route, &request, wait);
        let response = attempt(agent, &request, &route, subject, wait)?;
        if route.proxy.is_some() && response.status == 407 {
            return Err(RequestError::proxy_authentication().describe(subject, &route));
        }
        let retry = wait.attempts == Attempts::UntilDeadline && retries < RETRIES;
        if !retry || !is_temporary(response.status) {
            return Ok(response);
        }
        let pause = response.retry_after.unwrap_or_else(|| back_off(retries));
        if pause >= wait.left() {
            return Ok(response);
        }
        wait.sleep(pause, subject, &route)?;
        retries += 1;
    }
}

/// The route to the server. Adds the header for a proxy that reads the request.
fn route(request: &mut Request, subject: &Subject, transport: &Transport) -> Result<Route> {
    let server: Uri = request
        .url
        .parse()
        .map_err(|_| Error::Argument(format!("{} is not a valid server URL", subject.server)))?;
    let proxy = transport.proxy()?;
    let https = server.scheme_str() == Some("https");
    if let Some(proxy) = &proxy
        && let Some(authorization) = &proxy.authorization
        && !https
    {
        let value = wiped_header(authorization.as_bytes()).map_err(|_| {
            Error::Proxy(format!(
                "the user name or password of {} is not valid",
                proxy.shown
            ))
        })?;
        request.headers.push((header::PROXY_AUTHORIZATION, value));
    }
    // CA files are read only if needed.
    let encrypted = https || proxy.as_ref().is_some_and(Proxy::is_https);
    let tls = encrypted
        .then(|| tls::config(&transport.trust_anchors))
        .transpose()?;
    let extra = transport.headers.iter().map(|(_, value)| value.as_bytes());
    let extra = extra.filter(|value| value.len() >= echoed_secrets::SHORTEST);
    let mut secrets = subject.secrets.clone();
    secrets.extend(extra.map(Secret::new));
    secrets.extend(proxy.iter().flat_map(Proxy::secrets));
    Ok(Route {
        proxy,
        proxy_connected: AtomicBool::new(false),
        tls,
        secrets: secrets.into(),
    })
}

/// Whether a retry may succeed.
pub(super) fn is_temporary(status: u16) -> bool {
    status == 429 || (500..600).contains(&status) && status != 501
}

/// The pause before a retry: it doubles, with up to a quarter of random jitter so
/// that the ranks of a job do not retry at the same moment.
fn back_off(retries: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(1 << retries.min(16))
        .min(LONGEST_PAUSE);
    let random = RandomState::new().hash_one(retries) % 1024;
    pause + pause / 4 * random as u32 / 1024
}

fn agent(route: &Arc<Route>, request: &Request, wait: &Wait) -> Agent {
    let socks = route.proxy.as_ref().and_then(|proxy| proxy.socks.clone());
    let config = Agent::config_builder()
        .max_response_header_size(HEAD_LIMIT)
        .input_buffer_size(HEAD_LIMIT + 1) // so that a larger head is detected
        .output_buffer_size(request.head_size())
        .proxy(socks)
        .max_redirects(0)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .timeout_global(Some(wait.left()))
        .user_agent("")
        .accept("")
        .accept_encoding("");
    let connector = RouteConnector(Arc::clone(route))
        .chain(TlsConnector(route.tls.clone()))
        .chain(MaskConnector(Arc::clone(&route.secrets)));
    Agent::with_parts(config.build(), connector, RouteResolver(Arc::clone(route)))
}

/// Sends the request once, in a thread of its own, so that this thread can poll
/// the cancel function and keep the deadline.
///
/// The thread ends with the attempt, except while it resolves a name or connects:
/// then it ends when the system call returns, soon after the deadline at the
/// latest.
fn attempt(
    agent: Agent,
    request: &Arc<Request>,
    route: &Route,
    subject: &Subject,
    wait: &Wait,
) -> Result<Response> {
    wait.check(subject, route)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let worker = thread::Builder::new()
        .name("wandb-login".to_owned())
        .spawn({
            let agent = agent.clone();
            let request = Arc::clone(request);
            let secrets = Arc::clone(&route.secrets);
            move || {
                // The receiver is gone if the call was cancelled.
                let _ = sender.send(perform(&agent, &request, secrets));
            }
        })
        .map_err(|error| {
            Error::Network(format!("cannot start a thread for the request: {error}"))
        })?;
    loop {
        match receiver.recv_timeout(POLL.min(wait.left())) {
            Ok(outcome) => {
                let _ = worker.join();
                return outcome.map_err(|error| error.describe(subject, route));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::Internal("the request's thread failed".to_owned()));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if let Err(error) = wait.check(subject, route) {
            // Closing the connection wakes the thread.
            agent.shutdown();
            if receiver.recv_timeout(GRACE).is_ok() {
                let _ = worker.join();
            }
            return Err(error);
        }
    }
}

fn perform(
    agent: &Agent,
    request: &Request,
    secrets: Arc<[Secret]>,
) -> std::result::Result<Response, RequestError> {
    let mut call = agent.post(&request.url);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let response = call.send(&request.body[..]).map_err(RequestError::Http)?;
    let text = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    // The query of a redirect may hold anything, so it is not kept.
    let location = text(header::LOCATION).map(|location| {
        let end = location.find(['?', '#']).unwrap_or(location.len());
        location[..end].to_owned()
    });
    let encoding = text(header::CONTENT_ENCODING).unwrap_or_default();
    let retry_after = text(header::RETRY_AFTER).and_then(|value| pause(&value));
    let date = text(header::DATE).and_then(|value| date::parse_http(&value));
    let status = response.status().as_u16();
    let body = read_body(response.into_body().into_reader())?;
    let body = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => body,
        "gzip" | "x-gzip" => gzip::decompress(&body, BODY_LIMIT)?,
        _ => return Err(RequestError::Encoding),
    };
    let mut response = Response {
        status,
        location,
        retry_after,
        date,
        body,
        secrets,
    };
    response.mask();
    Ok(response)
}

/// Reads a response body. It may repeat a secret, so buffers that it outgrows are
/// wiped.
fn read_body(mut reader: impl Read) -> std::result::Result<WipedBytes, RequestError> {
    let mut capacity = 16 << 10;
    let mut body = WipedBytes::new(Vec::with_capacity(capacity));
    loop {
        // No more than fits, so that the buffer never reallocates.
        let room = (capacity - body.len()) as u64;
        let outcome = reader.by_ref().take(room).read_to_end(&mut body);
        outcome.map_err(|error| RequestError::Http(error.into()))?;
        if body.len() < capacity {
            return Ok(body);
        }
        if capacity > BODY_LIMIT {
            return Err(RequestError::TooLarge);
        }
        capacity = (4 * capacity).min(BODY_LIMIT + 1);
        let mut larger = Vec::with_capacity(capacity);
        larger.extend_from_slice(&body);
        body = WipedBytes::new(larger);
    }
}

/// `Retry-After`: seconds, or a date.
fn pause(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = crate::formats::date::parse_http(value)?;
    let left = date.saturating_sub(crate::env::unix_time());
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

impl Wait<'_> {
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// An error if the call was cancelled or its deadline has passed.
    fn check(&self, subject: &Subject, route: &Route) -> Result<()> {
        if (self.cancel)() {
            let server = subject.server;
            return Err(Error::Cancelled(format!(
                "the request to {server} was cancelled"
            )));
        }
        if self.left().is_zero() {
            return Err(timed_out(subject.server, route));
        }
        Ok(())
    }

    fn sleep(&self, pause: Duration, subject: &Subject, route: &Route) -> Result<()> {
        let end = Instant::now() + pause;
        loop {
            self.check(subject, route)?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(POLL));
        }
    }
}
