//! Logs in before and after another part of the program has used rustls with its default
//! provider. Prints what the library says.

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use wandb_login::{Error, Flags, Login, Options, login};

fn main() {
    let options = Options::new().flags(Flags::VERIFY);
    match login(&options) {
        Err(Error::Tls(message)) => println!("{message}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("a login without a TLS provider"),
    }
    assert!(
        CryptoProvider::get_default().is_none(),
        "the library has installed a provider"
    );

    // Panics if two providers are compiled in, and installs the only one otherwise.
    let _ = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();

    match login(&options) {
        Ok(Login::Session(session)) => println!("{:?}", session.username()),
        Ok(_) => panic!("offline"),
        Err(error) => panic!("{error}"),
    }
}
