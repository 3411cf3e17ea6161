//! Our end of TLS against a server in memory. The certificates in `testdata` are for these tests alone.

use super::*;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/testdata");

pub(crate) fn server() -> ServerConnection {
    let chain = CertificateDer::pem_file_iter(format!("{DATA}/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{DATA}/localhost.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

pub(crate) fn roots() -> TlsRoots {
    TlsRoots::new(Some(PathBuf::from(DATA).join("authority.pem")))
}

/// Carries bytes between the two, `step` at a time, until neither has any. Gives what became readable at
/// the server and with us.
fn carry(
    client: &mut TlsClient,
    server: &mut ServerConnection,
    step: usize,
) -> Result<[Vec<u8>; 2], NetError> {
    let mut read = [Vec::new(), Vec::new()];
    while client.wants_write() || server.wants_write() {
        for mut part in client.take_ciphertext().chunks(step) {
            while !part.is_empty() {
                server.read_tls(&mut part).unwrap();
                server.process_new_packets().map_err(|e| tls_error(&e))?;
                // Nothing to read yet is not an error here.
                let _ = server.reader().read_to_end(&mut read[0]);
            }
        }
        let mut back = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut back).unwrap();
        }
        for part in back.chunks(step) {
            read[1].extend(client.read(part)?);
        }
    }
    Ok(read)
}

#[test]
fn a_request_written_at_once_leaves_when_the_handshake_is_over() {
    for step in [1, 7, 1_000, 1 << 20] {
        let (mut client, mut server) = (roots().client("localhost").unwrap(), server());
        client.write(b"GET /announce").unwrap();
        assert!(client.is_handshaking());
        let [asked, answered] = carry(&mut client, &mut server, step).unwrap();
        assert!(!client.is_handshaking());
        assert_eq!((&asked[..], &answered[..]), (&b"GET /announce"[..], &b""[..]));
    }
}

#[test]
fn a_long_answer_arrives_whole() {
    let answer: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let (mut client, mut server) = (roots().client("localhost").unwrap(), server());
    server.set_buffer_limit(None);
    server.writer().write_all(&answer).unwrap();
    let [_, got] = carry(&mut client, &mut server, 256 << 10).unwrap();
    assert!(got == answer);
    assert!(!client.is_closed());
    server.send_close_notify();
    carry(&mut client, &mut server, 10).unwrap();
    assert!(client.is_closed());
    assert_eq!(client.read(b"noise after the goodbye"), Ok(Bytes::new()));
}

#[test]
fn an_address_is_a_name_too() {
    let (mut client, mut server) = (roots().client("127.0.0.1").unwrap(), server());
    carry(&mut client, &mut server, 1_000).unwrap();
    assert!(!client.is_handshaking());
}

#[test]
fn a_certificate_for_another_name_is_refused_and_the_server_is_told() {
    let (mut client, mut server) = (roots().client("tracker.example").unwrap(), server());
    let Err(NetError::Tls(text)) = carry(&mut client, &mut server, 1 << 20) else { panic!("accepted") };
    assert!(text.contains("certificate"), "{text}");
    assert!(client.wants_write(), "no alert for the server");
}

#[test]
fn an_authority_that_nobody_knows_is_refused() {
    let roots = TlsRoots::new(None);
    // A system without any certificates cannot even begin.
    let refused = roots.client("localhost").and_then(|mut c| carry(&mut c, &mut server(), 1 << 20));
    assert!(matches!(refused, Err(NetError::Tls(_))), "{refused:?}");
}

#[test]
fn noise_is_an_error() {
    let mut client = roots().client("localhost").unwrap();
    let error = client.read(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert!(matches!(error, Err(NetError::Tls(_))), "{error:?}");
}

#[test]
fn unusable_roots_are_named() {
    for file in ["missing.pem", "localhost.key.pem"] {
        let error = TlsRoots::new(Some(PathBuf::from(DATA).join(file))).client("localhost").unwrap_err();
        assert!(error.to_string().contains(file), "{error}");
    }
    assert!(matches!(roots().client("not a name"), Err(NetError::Tls(_))));
}
