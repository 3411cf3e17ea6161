//! TLS as bytes in, bytes out: what trackers behind `https` need, whatever socket carries it.

#[cfg(test)]
pub(crate) mod tests;

use bytes::Bytes;
use peerless_core::NetError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;

/// The certificates that TLS connections trust: the system's, and those of one file. Read once, at first use or
/// [ahead of it](Self::load_ahead).
#[derive(Debug)]
pub struct TlsRoots {
    extra: Option<PathBuf>,
    config: OnceLock<Result<Arc<ClientConfig>, NetError>>,
}

impl TlsRoots {
    /// The system's certificates, and those of a PEM file.
    pub const fn new(extra: Option<PathBuf>) -> Self {
        Self { extra, config: OnceLock::new() }
    }

    /// Reads the certificates on a thread of its own, unless that was done: it can take a tenth of a second,
    /// for which no connection should wait.
    pub fn load_ahead(self: &Arc<Self>) {
        if self.config.get().is_none() {
            let roots = self.clone();
            // Without a thread they are read when they are needed.
            let _ = thread::Builder::new().name("certificates".into()).spawn(move || drop(roots.config()));
        }
    }

    /// Begins a connection to the host `name`, which its certificate has to bear.
    pub fn client(&self, name: &str) -> Result<TlsClient, NetError> {
        TlsClient::new(self.config()?, name)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, NetError> {
        self.config.get_or_init(|| self.load()).clone()
    }

    fn load(&self) -> Result<Arc<ClientConfig>, NetError> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if let Some(path) = &self.extra {
            let unusable = |e: &dyn Display| tls_error(&format!("{}: {e}", path.display()));
            let before = roots.len();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unusable(&e))? {
                roots.add(certificate.map_err(|e| unusable(&e))?).map_err(|e| unusable(&e))?;
            }
            if roots.len() == before {
                return Err(unusable(&"there is no certificate in it"));
            }
        }
        if roots.is_empty() {
            return Err(tls_error(&"this system has no root certificates; install ca-certificates"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| tls_error(&e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// Our end of one TLS connection. It does no I/O: what arrives goes into [`read`](Self::read), and what
/// [`take_ciphertext`](Self::take_ciphertext) gives goes out.
#[derive(Debug)]
pub struct TlsClient {
    connection: ClientConnection,
    /// The other side said goodbye.
    closed: bool,
}

impl TlsClient {
    /// Begins a connection: the first bytes to send are ready.
    pub fn new(config: Arc<ClientConfig>, name: &str) -> Result<Self, NetError> {
        let name = ServerName::try_from(name.to_owned()).map_err(|e| tls_error(&e))?;
        let mut connection = ClientConnection::new(config, name).map_err(|e| tls_error(&e))?;
        // What is written before the handshake is over is a request, which the core bounds.
        connection.set_buffer_limit(None);
        Ok(Self { connection, closed: false })
    }

    /// Takes in what arrived, and gives the plain text that became readable (often none). After an error
    /// there may be a last message to send.
    pub fn read(&mut self, mut ciphertext: &[u8]) -> Result<Bytes, NetError> {
        let mut plain = Vec::new();
        while !self.closed && !ciphertext.is_empty() {
            self.connection.read_tls(&mut ciphertext).map_err(|e| tls_error(&e))?;
            let state = self.connection.process_new_packets().map_err(|e| tls_error(&e))?;
            self.closed = state.peer_has_closed();
            match self.connection.reader().read_to_end(&mut plain) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(tls_error(&e)),
            }
        }
        Ok(plain.into())
    }

    /// Takes plain text to send. It is kept until the handshake is over.
    pub fn write(&mut self, plaintext: &[u8]) -> Result<(), NetError> {
        self.connection.writer().write_all(plaintext).map_err(|e| tls_error(&e))
    }

    /// Whether there is something to send.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Everything that is to be sent now, after all that was taken before; may be empty.
    pub fn take_ciphertext(&mut self) -> Bytes {
        let mut out = Vec::new();
        while self.connection.wants_write() {
            // Writing to memory does not fail.
            if self.connection.write_tls(&mut out).unwrap_or(0) == 0 {
                break;
            }
        }
        out.into()
    }

    /// Whether the two sides have not yet agreed.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the other side said goodbye: what comes after that is ignored.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Says goodbye: one more message to send.
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }
}

fn tls_error(error: &dyn Display) -> NetError {
    NetError::Tls(error.to_string().into())
}
