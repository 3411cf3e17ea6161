//! The choice of the driver: the only file that uses the packages of the real ones.

use crate::args::{self, Driver};
use crate::exit::{Exit, Failure};
use peerless_core::Config;
use peerless_mio::MioSession;
use peerless_runtime::{Listen, RECORD_LIMIT, Recording, Session, SessionError, Settings};
use peerless_smol::SmolSession;

/// Something to do with a session, whichever driver runs it.
pub(crate) trait Job {
    /// What comes of it.
    type Output;

    /// Does it, to the end of the session.
    fn run<S: Session>(self, session: S) -> Self::Output;
}

/// Opens a session of the chosen driver and does the job with it.
pub(crate) fn with_session<J: Job>(driver: Driver, settings: Settings, job: J) -> Result<J::Output, Failure> {
    Ok(match driver {
        Driver::Mio => job.run(MioSession::open(settings)?),
        Driver::Smol => job.run(SmolSession::open(settings)?),
    })
}

/// The settings that the command line asks for.
pub(crate) fn settings(network: &args::Network) -> Settings {
    let mut engine = Config::default();
    if let Some(peers) = network.max_peers {
        engine.max_peers = peers;
    }
    let listen = network.port.map_or_else(Listen::default, Listen::everywhere);
    let args::Record { record, record_payload, record_mask, record_limit } = &network.record;
    let record = record.as_ref().map(|path| Recording {
        path: path.clone(),
        payload: *record_payload,
        mask: *record_mask,
        limit: record_limit.unwrap_or(RECORD_LIMIT),
    });
    Settings { engine, listen: Some(listen), record, ..Settings::default() }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let exit = match &error {
            SessionError::Add(add) => return add.into(),
            SessionError::TargetTaken(_)
            | SessionError::TargetUnusable(_)
            | SessionError::RecordingInTheWay(_) => Exit::TargetInTheWay,
            SessionError::RecordingInTarget { .. } => Exit::Usage,
            SessionError::NoCurrentDirectory(_) | SessionError::RecordingUnusable { .. } => Exit::Storage,
            SessionError::NoEntropy(_)
            | SessionError::NoThread(_)
            | SessionError::TooFewDescriptors(_)
            | SessionError::Poll(_) => Exit::Network,
        };
        Self::new(exit, error.to_string())
    }
}
