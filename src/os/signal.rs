//! What the system asks of a running program, whichever way it asks.

use tokio::sync::mpsc;

/// More than a program can be asked before it looks.
const WAITING_MAX: usize = 16;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Finish what is in flight and leave.
    Stop,
    /// Read the configuration again.
    Reload,
}

/// Everything that is asked from the moment on at which this was made.
#[derive(Debug)]
pub struct SystemSignals(mpsc::Receiver<Signal>);

impl SystemSignals {
    /// The other end is for whoever hears the system.
    pub fn channel() -> (mpsc::Sender<Signal>, Self) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (sender, Self(receiver))
    }

    /// Ends when something is asked.
    pub async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            // Nobody hears the system any more, so nothing can be asked.
            None => std::future::pending().await,
        }
    }

    /// Ends when the program is asked to leave; a reload before that is left out.
    pub async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_for_the_end_skips_reloads_and_a_closed_channel_asks_for_nothing() {
        let (sender, mut signals) = SystemSignals::channel();
        for signal in [Signal::Reload, Signal::Reload, Signal::Stop, Signal::Reload] {
            sender.send(signal).await.unwrap();
        }
        signals.stop().await;
        assert_eq!(signals.next().await, Signal::Reload, "what came later is still there");
        drop(sender);
        let waited = std::pin::pin!(signals.next());
        assert!(futures_util::FutureExt::now_or_never(waited).is_none());
    }
}
