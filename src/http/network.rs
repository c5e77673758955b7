//! reqwest behind [`super::Transport`].
