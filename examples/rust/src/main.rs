//! Fits a line to noisy points by stochastic gradient descent. Before the training it logs
//! in to W&B and verifies the key, so that a wrong key is noticed at once.
//!
//!     cargo run --release -- [EPOCHS]

use wandb_login::{Flags, Level, Login, Options, Session, login, print};

/// Logs in. Without a session the training runs too, and logs nothing.
fn log_in() -> Option<Session> {
    match login(&Options::new().flags(Flags::VERIFY)) {
        Ok(Login::Session(session)) => Some(session),
        Ok(_) => None, // W&B is offline
        Err(error) => {
            print(Level::Error, &error.to_string());
            None
        }
    }
}

/// Stands for the HTTP client of the program. The authorization is a secret: never print it.
fn send(session: &Session, epoch: u32, loss: f64) -> Result<(), Box<dyn std::error::Error>> {
    let (scheme, _credential) = session
        .authorization()
        .to_str()?
        .split_once(' ')
        .ok_or("no authorization")?;
    println!(
        "POST {}, Authorization: {scheme} ..., epoch {epoch}: loss {loss:.4}",
        session.base_url()
    );
    Ok(())
}

/// One pass over points of y = 3x - 2; returns the mean loss.
fn train(slope: &mut f64, offset: &mut f64, rate: f64) -> f64 {
    const POINTS: u32 = 256;
    let mut sum = 0.0;
    for point in 0..POINTS {
        let x = f64::from(point * 97 % POINTS) / f64::from(POINTS) * 2.0 - 1.0;
        let noise = f64::from(point * 31 % 17) / 17.0 - 0.5;
        let off = *slope * x + *offset - (3.0 * x - 2.0 + 0.1 * noise);
        *slope -= rate * off * x;
        *offset -= rate * off;
        sum += off * off;
    }
    sum / f64::from(POINTS)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Every user of rustls in this process shares this provider, wandb_login included.
    let provider = rustls::crypto::ring::default_provider();
    provider
        .install_default()
        .map_err(|_| "a TLS provider is installed already")?;
    let epochs = std::env::args()
        .nth(1)
        .map_or(Ok(10), |text| text.parse())?;

    let session = log_in();
    let (mut slope, mut offset) = (0.0, 0.0);
    for epoch in 0..epochs {
        let loss = train(&mut slope, &mut offset, 0.1);
        match &session {
            Some(session) => send(session, epoch, loss)?,
            None => println!("epoch {epoch}: loss {loss:.4}"),
        }
    }
    println!("y = {slope:.2} x + {offset:.2}");
    Ok(())
}
