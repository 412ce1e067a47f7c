//! What the tests share: the server under test, connections to it, other programs run with a time limit.

pub mod connection;
pub mod program;
pub mod server;
mod tls;

/// Why a test failed, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T = ()> = Result<T, Failure>;

/// A test of a module, by the name under which it is run.
pub fn trial(name: &str, test: fn() -> Outcome) -> libtest_mimic::Trial {
    libtest_mimic::Trial::test(name, move || test().map_err(|failure| failure.to_string().into()))
}

/// A failure with a text.
pub fn fail<T>(text: impl Into<String>) -> Outcome<T> {
    Err(text.into().into())
}
