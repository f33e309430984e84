//! What may stand on the command line about the outside world.

use clap::Args;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What comes into a run from outside.
#[derive(Args)]
pub(in crate::cli) struct OutsideArguments {
    /// Lead a UART of the guest to a TCP port, such as tcp:127.0.0.1:5555, where one client at a time may
    /// connect; may be repeated, with the instance that is meant where there are several. What is printed
    /// while nobody is connected is dropped.
    #[arg(long, value_name = "[INSTANCE=]tcp:ADDRESS:PORT", value_parser = uart)]
    pub(in crate::cli) uart: Vec<UartArgument>,
    /// Serve a page at this address, such as 127.0.0.1:8080, that shows the machine while it runs: progress,
    /// statistics, heat maps; and /metrics for Prometheus.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub(in crate::cli) http: Option<SocketAddr>,
    /// Write down what comes in, and when; with --out that is done without being asked for.
    #[arg(long, value_name = "FILE", requires = "uart")]
    pub(in crate::cli) journal_out: Option<PathBuf>,
    /// Have the same come in as was written down: the result is the same.
    #[arg(long, value_name = "FILE", conflicts_with = "uart")]
    pub(in crate::cli) journal_in: Option<PathBuf>,
    /// Go by a journal whose run was killed, too.
    #[arg(long, requires = "journal_in")]
    pub(in crate::cli) journal_partial: bool,
}

/// A UART and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct UartArgument {
    /// Path of the instance, where it is named.
    pub(in crate::cli) instance: Option<String>,
    pub(in crate::cli) address: SocketAddr,
}

fn uart(text: &str) -> Result<UartArgument, String> {
    const FORM: &str =
        "it is written tcp:ADDRESS:PORT, such as tcp:127.0.0.1:5555, or INSTANCE=tcp:ADDRESS:PORT";
    let (instance, place) = match text.rsplit_once('=') {
        Some((instance, place)) if !instance.is_empty() => (Some(instance.to_owned()), place),
        Some(_) => return Err(FORM.to_owned()),
        None => (None, text),
    };
    let place = place.strip_prefix("tcp:").ok_or(FORM)?;
    Ok(UartArgument {
        instance,
        address: address(place)?,
    })
}

/// An address of this host and a port.
fn address(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = text
        .rsplit_once(':')
        .ok_or_else(|| format!("`{text}` has no port: it is written ADDRESS:PORT"))?;
    let port_number: u16 = port
        .parse()
        .map_err(|_| format!("`{port}` is no port: those are 0 to 65535"))?;
    if host == "localhost" {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port_number)));
    }
    text.parse().map_err(|_| {
        format!("`{host}` is no address of a host: one such as 127.0.0.1, [::1] or localhost")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused_in_words() {
        let read = |text: &str| match uart(text) {
            Ok(it) => format!("{} {}", it.instance.unwrap_or_default(), it.address),
            Err(error) => error,
        };
        assert_eq!(read("tcp:127.0.0.1:5555"), " 127.0.0.1:5555");
        assert_eq!(read("tcp:localhost:0"), " 127.0.0.1:0");
        assert_eq!(read("tile[3].uart=tcp:[::1]:1"), "tile[3].uart [::1]:1");
        for wrong in [
            "",
            "127.0.0.1:5555",
            "=tcp:127.0.0.1:5555",
            "udp:127.0.0.1:1",
        ] {
            assert!(read(wrong).starts_with("it is written tcp:"), "{wrong}");
        }
        assert_eq!(
            read("tcp:5555"),
            "`5555` has no port: it is written ADDRESS:PORT"
        );
        assert_eq!(
            read("tcp:127.0.0.1:70000"),
            "`70000` is no port: those are 0 to 65535"
        );
        assert_eq!(
            read("tcp:mars:80"),
            "`mars` is no address of a host: one such as 127.0.0.1, [::1] or localhost"
        );
    }
}
