//! Work of logins that blocks or computes, off the tasks of the sessions and never too much of it at once.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::AuthError;

/// Questions to the directory that wait for disk or network at once.
const LOOK_UPS: usize = 32;
/// How long a login waits for its turn before it is told to come back: clients give up not much later.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Pool {
    look_ups: Arc<Semaphore>,
    /// One for each core: more would only take memory (19 MiB each).
    computing: Arc<Semaphore>,
}

impl Pool {
    pub fn new() -> Pool {
        let cores = available_parallelism().map_or(1, |cores| cores.get());
        Pool { look_ups: Arc::new(Semaphore::new(LOOK_UPS)), computing: Arc::new(Semaphore::new(cores)) }
    }

    /// A call that may block on the directory.
    pub async fn look_up<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        run(&self.look_ups, call).await
    }

    /// A call that computes for long.
    pub async fn compute<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        run(&self.computing, call).await
    }
}

async fn run<T: Send + 'static>(
    places: &Arc<Semaphore>,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AuthError> {
    let Ok(Ok(place)) = timeout(PATIENCE, places.clone().acquire_owned()).await else {
        tracing::warn!("too many logins wait; this one is told to come back later");
        return Err(AuthError::Unavailable);
    };
    // The place goes with the call: a client that hangs up does not make room while its hash is still computed.
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        call()
    });
    work.await.map_err(|error| {
        tracing::error!(%error, "checking a login failed");
        AuthError::Unavailable
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_login_waits_for_its_turn_but_not_for_ever() {
        let pool = Pool::new();
        let places = pool.computing.available_permits() as u32;
        let busy = pool.computing.acquire_many(places).await.unwrap();
        assert_eq!(pool.compute(|| 5).await, Err(AuthError::Unavailable));
        assert_eq!(pool.look_up(|| 5).await, Ok(5));
        drop(busy);
        assert_eq!(pool.compute(|| 5).await, Ok(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_of_the_directory_is_a_fault_not_a_refusal() {
        let pool = Pool::new();
        assert_eq!(pool.look_up(|| -> u8 { panic!("a bug") }).await, Err(AuthError::Unavailable));
        assert_eq!(pool.look_ups.available_permits(), LOOK_UPS);
    }
}
