//! One POST: sent, waited for, repeated where the server asks for it.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Uri, header};
use ureq::unversioned::transport::Connector;

use super::connect::{Dial, LookUp, Route};
use super::error::{Failure, Subject, too_late};
use super::proxy::Proxy;
use super::settings::Transport;
use super::tls::{self, Tls};
use super::wait::Wait;
use super::zeroizing::sensitive;
use crate::error::{Error, Result};
use crate::util::secret::WipedBytes;

/// The most that is read of an answer.
const ANSWER_LIMIT: usize = 1 << 20;
/// The most that an answer's status line and headers may have.
const HEAD_LIMIT: usize = 32 << 10;
/// As many repetitions as the SDK's client makes.
const RETRIES: u32 = 20;
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a wait may be deaf to the caller's cancel function.
const SLICE: Duration = Duration::from_millis(50);
/// How long a thread that was told to end may take before it is left to itself.
const GRACE: Duration = Duration::from_millis(10);

pub(super) struct Request {
    pub url: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: WipedBytes,
}

impl Request {
    /// At least what the request line and the headers take.
    fn head_size(&self) -> usize {
        let headers = self.headers.iter();
        let sizes = headers.map(|(name, value)| name.as_str().len() + value.len() + 4);
        // A proxy reads the server's address twice; the rest is framing.
        2 * self.url.len() + sizes.sum::<usize>() + 4096
    }
}

pub(super) struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub retry_after: Option<Duration>,
    pub body: WipedBytes,
}

/// Sends the request until the server gives an answer that is worth having, or
/// until it asks for more patience than the deadline leaves.
pub(super) fn post(
    mut request: Request,
    subject: &Subject,
    transport: &Transport,
    wait: &Wait,
) -> Result<Answer> {
    let server: Uri = request
        .url
        .parse()
        .map_err(|_| Error::Argument(format!("{} is no address of a server", subject.server)))?;
    let proxy = transport.proxies.choose(&server)?;
    let https = server.scheme_str() == Some("https");
    if let Some(proxy) = &proxy
        && let Some(authorization) = &proxy.authorization
        && !https
    {
        // Plain http has no tunnel: the proxy reads the request itself.
        let value = sensitive(authorization.as_bytes()).map_err(|_| {
            Error::Proxy(format!("user or password of {} is not valid", proxy.shown))
        })?;
        request.headers.push((header::PROXY_AUTHORIZATION, value));
    }
    // Trust is read only where it is needed.
    let encrypted = https || proxy.as_ref().is_some_and(Proxy::is_https);
    let tls = encrypted
        .then(|| tls::config(&transport.trust))
        .transpose()?;
    let route = Arc::new(Route { proxy, tls });
    let request = Arc::new(request);
    let mut retries = 0;
    loop {
        let agent = agent(&route, &request, wait);
        let answer = attempt(agent, &request, subject, wait)?
            .map_err(|failure| failure.describe(subject, &route))?;
        if route.proxy.is_some() && answer.status == 407 {
            return Err(Failure::proxy_wants_a_password().describe(subject, &route));
        }
        if retries == RETRIES || !is_temporary(answer.status) {
            return Ok(answer);
        }
        let pause = answer.retry_after.unwrap_or_else(|| back_off(retries));
        // A pause that outlives the deadline is no use: tell at once.
        if pause >= wait.left() {
            return Ok(answer);
        }
        wait.sleep(pause, subject)?;
        retries += 1;
    }
}

/// Whether the same request may get a better answer a little later.
pub(super) fn is_temporary(status: u16) -> bool {
    status == 429 || (500..600).contains(&status) && status != 501
}

/// Twice as long each time, and up to a quarter more, so that the ranks of a
/// job that failed together do not come back together.
fn back_off(retries: u32) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(1 << retries.min(16))
        .min(LONGEST_PAUSE);
    let random = RandomState::new().hash_one(retries) % 1024;
    pause + pause / 4 * random as u32 / 1024
}

fn agent(route: &Arc<Route>, request: &Request, wait: &Wait) -> Agent {
    let config = Agent::config_builder()
        .max_response_header_size(HEAD_LIMIT)
        .input_buffer_size(HEAD_LIMIT + 1) // so that a larger one is seen to be
        .output_buffer_size(request.head_size())
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .timeout_global(Some(wait.left()))
        .user_agent("")
        .accept("")
        .accept_encoding("");
    let connector = Dial(Arc::clone(route)).chain(Tls(route.tls.clone()));
    Agent::with_parts(config.build(), connector, LookUp(Arc::clone(route)))
}

/// One attempt, in a thread of its own: so this one can ask the caller's cancel
/// function, whatever the other waits for, and keep the deadline to the point.
///
/// The thread ends with the attempt. Only one that sits in a name look-up or a
/// connection attempt when the call is over is left to itself; it ends when the
/// system lets it go, at the latest soon after the deadline.
fn attempt(
    agent: Agent,
    request: &Arc<Request>,
    subject: &Subject,
    wait: &Wait,
) -> Result<std::result::Result<Answer, Failure>> {
    wait.check(subject)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let worker = thread::Builder::new()
        .name("wandb-login".to_owned())
        .spawn({
            let agent = agent.clone();
            let request = Arc::clone(request);
            move || {
                // Nobody listens any more if the call was cancelled.
                let _ = sender.send(perform(&agent, &request));
            }
        });
    let worker = worker.map_err(|error| {
        Error::Network(format!("cannot start a thread for the request: {error}"))
    })?;
    loop {
        match receiver.recv_timeout(SLICE.min(wait.left())) {
            Ok(outcome) => {
                // It has said all that it had to say.
                let _ = worker.join();
                return Ok(outcome);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::Internal("the request's thread failed".to_owned()));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if let Err(error) = wait.check(subject) {
            // Closing the connection wakes the thread.
            agent.shutdown();
            if receiver.recv_timeout(GRACE).is_ok() {
                let _ = worker.join();
            }
            return Err(error);
        }
    }
}

fn perform(agent: &Agent, request: &Request) -> std::result::Result<Answer, Failure> {
    let mut call = agent.post(&request.url);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let response = call.send(&request.body[..]).map_err(Failure::Http)?;
    let text = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let location = text(header::LOCATION);
    let retry_after = text(header::RETRY_AFTER).and_then(|value| pause(&value));
    let status = response.status().as_u16();
    Ok(Answer {
        status,
        location,
        retry_after,
        body: read(response.into_body().into_reader())?,
    })
}

/// The whole answer. It may hold a secret, so the buffers that it outgrows are wiped.
fn read(mut reader: impl Read) -> std::result::Result<WipedBytes, Failure> {
    let mut size = 16 << 10;
    let mut answer = WipedBytes::new(Vec::with_capacity(size));
    loop {
        // No more than there is room for.
        let room = (size - answer.len()) as u64;
        let more = reader.by_ref().take(room).read_to_end(&mut answer);
        more.map_err(|error| Failure::Http(error.into()))?;
        if answer.len() < size {
            return Ok(answer);
        }
        if size > ANSWER_LIMIT {
            return Err(Failure::TooLong);
        }
        size = (4 * size).min(ANSWER_LIMIT + 1);
        let mut larger = Vec::with_capacity(size);
        larger.extend_from_slice(&answer);
        answer = WipedBytes::new(larger);
    }
}

/// `Retry-After`: seconds, or a date.
fn pause(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = crate::formats::date::parse_http(value)?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    Some(Duration::from_secs(u64::try_from(date).ok()?).saturating_sub(now))
}

impl Wait<'_> {
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// An error once the wait is over.
    fn check(&self, subject: &Subject) -> Result<()> {
        if (self.cancel)() {
            let server = subject.server;
            return Err(Error::Cancelled(format!(
                "the request to {server} was cancelled"
            )));
        }
        if self.left().is_zero() {
            return Err(too_late(subject.server));
        }
        Ok(())
    }

    fn sleep(&self, pause: Duration, subject: &Subject) -> Result<()> {
        let end = Instant::now() + pause;
        loop {
            self.check(subject)?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(SLICE));
        }
    }
}
