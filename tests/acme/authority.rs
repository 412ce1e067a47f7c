//! Pebble and its DNS server, on free ports of loopback, with a certificate of its own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Outcome, fail, program};

pub struct Authority {
    directory: TempDir,
    port: u16,
    children: Vec<Child>,
}

impl Authority {
    /// Which connects to this port to prove names, and gives certificates for so many seconds.
    pub fn start(tls_port: u16, seconds: u64) -> Outcome<Authority> {
        let directory = TempDir::with_prefix("restante-acme-")?;
        let mut authority = Authority { directory, port: free()?, children: Vec::new() };
        authority.make_certificate()?;
        let dns = free()?;
        let server = Command::new("pebble-challtestsrv");
        authority.spawn(
            server,
            &[
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-dns01",
                &format!("127.0.0.1:{dns}"),
                "-management",
                &format!("127.0.0.1:{}", free()?),
            ],
        )?;
        let file = authority.path("pebble.json");
        fs::write(&file, authority.configuration(tls_port, seconds))?;
        let mut pebble = Command::new("pebble");
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0").arg("-config").arg(file);
        authority.spawn(pebble, &["-dnsserver", &format!("127.0.0.1:{dns}")])?;
        authority.await_port()?;
        Ok(authority)
    }

    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }

    /// Of its own web server.
    pub fn certificate(&self) -> PathBuf {
        self.path("certificate.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn make_certificate(&self) -> Outcome {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-keyout").arg(self.path("key.pem")).arg("-out").arg(self.certificate());
        program::run(&mut openssl, b"", Duration::from_secs(60))?.ok("openssl req").map(drop)
    }

    fn configuration(&self, tls_port: u16, seconds: u64) -> String {
        serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": "",
            "certificate": self.certificate(),
            "privateKey": self.path("key.pem"),
            "httpPort": 1,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": seconds,
        }})
        .to_string()
    }

    fn spawn(&mut self, mut command: Command, arguments: &[&str]) -> Outcome {
        let log = File::options().append(true).create(true).open(self.path("log"))?;
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|error| {
            format!("cannot start Pebble: {error}; ./tests/all installs what the tests need")
        })?;
        self.children.push(child);
        Ok(())
    }

    fn await_port(&self) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > deadline {
                let log = fs::read_to_string(self.path("log")).unwrap_or_default();
                return fail(format!("Pebble does not listen:\n{log}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Authority {
    /// Ends it; its files stay.
    pub fn stop(&mut self) {
        for child in &mut self.children {
            // There is nobody to tell of an error here.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
