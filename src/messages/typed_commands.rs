//! The commands that a text names, as they have to be typed to reach the process that says it.

use crate::os::words;

/// Commands that ask the running service. All others are about the configuration.
const OF_THE_SERVICE: [&str; 6] = ["resync", "bookings", "status", "explain", "pause", "resume"];

/// What is typed behind commands of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedCommands {
    /// Behind those that ask the running service.
    service: String,
    /// Behind all others.
    others: String,
}

impl TypedCommands {
    /// All of them are about a service that runs with this configuration.
    pub fn with_config(file: &str) -> Self {
        Self { service: config_option(file), others: config_option(file) }
    }

    /// Those that ask the running service find it by another file.
    #[must_use]
    pub fn with_service_of(self, file: &str) -> Self {
        Self { service: config_option(file), ..self }
    }

    /// The same where some characters are written otherwise.
    #[must_use]
    pub fn written(&self, write: impl Fn(&str) -> String) -> Self {
        let Self { service, others } = self;
        Self { service: write(service), others: write(others) }
    }

    /// What is typed behind a command.
    pub fn option(&self, command: &str) -> &str {
        let is_of_the_service = command.split(' ').next().is_some_and(|first| OF_THE_SERVICE.contains(&first));
        if is_of_the_service { &self.service } else { &self.others }
    }

    /// A text with its commands as they are typed. They stand between backticks in it.
    pub fn typed(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(BEGINNING) {
            let Some((command, behind)) = after.split_once('`') else { break };
            out.extend([before, BEGINNING, command]);
            if !command.contains("--config") {
                out.push_str(self.option(command));
            }
            out.push('`');
            rest = behind;
        }
        out + rest
    }
}

/// What is typed behind a command so that it reads this file.
fn config_option(file: &str) -> String {
    format!(" --config {}", words::typed(file))
}

/// Opens a command.
const BEGINNING: &str = "`vetbridge ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_in_a_text_gets_the_option_and_nothing_else_does() {
        let commands = TypedCommands::with_config("/srv/v.toml");
        let text = "It's ` odd. Type `vetbridge resume --practice 7`, or `timezone`; vetbridge runs. `vetbridge status \
                    --config x` `vetbridge";
        assert_eq!(
            commands.typed(text),
            "It's ` odd. Type `vetbridge resume --practice 7 --config /srv/v.toml`, or `timezone`; vetbridge runs. \
             `vetbridge status --config x` `vetbridge"
        );
        assert_eq!(TypedCommands::default().typed(text), text);
    }

    #[test]
    fn in_a_rehearsal_a_service_is_asked_by_one_file_and_the_clinic_is_checked_by_another() {
        let commands = TypedCommands::with_config("/srv/v.toml").with_service_of("/tmp/r/v.toml");
        assert_eq!(
            commands.typed("`vetbridge resync`, then `vetbridge check`, `vetbridge rehearse --book`"),
            "`vetbridge resync --config /tmp/r/v.toml`, then `vetbridge check --config /srv/v.toml`, \
             `vetbridge rehearse --book --config /srv/v.toml`"
        );
    }
}
