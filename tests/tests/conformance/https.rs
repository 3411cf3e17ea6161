//! TLS in front of a tracker that has none.

use peerless_tests::ScriptTracker;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

/// A certificate for `localhost`, with its key and the authority that signed it: for tests alone.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/src/tls/testdata");

/// The certificate of the authority.
pub(crate) fn authority() -> PathBuf {
    PathBuf::from(DATA).join("authority.pem")
}

/// Serves a tracker under TLS as well, and gives its announce URL there.
pub(crate) fn front(tracker: &ScriptTracker) -> String {
    let behind = tracker.url().trim_start_matches("http://").trim_end_matches("/announce").to_owned();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://localhost:{}/announce", listener.local_addr().unwrap().port());
    let config = config();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let (config, behind) = (Arc::clone(&config), behind.clone());
            // A client that hangs up, on a certificate that it does not like, is no news.
            std::thread::spawn(move || carry(socket, config, &behind));
        }
    });
    url
}

fn config() -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(format!("{DATA}/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{DATA}/localhost.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let chain = chain.map(Result::unwrap).collect();
    Arc::new(builder.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// One request there, one answer back.
fn carry(socket: TcpStream, config: Arc<ServerConfig>, behind: &str) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(connection, socket);
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let mut tracker = TcpStream::connect(behind)?;
    tracker.write_all(&request)?;
    let mut answer = Vec::new();
    tracker.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.conn.send_close_notify();
    client.flush()
}
