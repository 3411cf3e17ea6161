//! Recordings of simulated engines, for [`peerless_core::record::Replay`].

use super::Sim;
use crate::host::{Machine, Program};
use crate::net::HostId;
use peerless_core::Event;

impl Sim {
    /// What was recorded so far of a host that is [`recorded`](crate::Host::recorded): the present life of its
    /// engine, or its last. Empty for others. It is whole if the engine still runs or was shut down in order, and torn
    /// if it was killed.
    pub fn recording(&self, host: HostId) -> Vec<u8> {
        let machine = &self.machines[host.index()];
        let mut recording = machine.recording.clone();
        if let Program::Engine(engine) = &machine.program
            && let Some(recorder) = engine.recorder()
        {
            recording.append(&mut recorder.ending());
        }
        recording
    }
}

impl Machine {
    /// The engine has told this.
    pub(super) fn end_recording(&mut self, event: &Event) {
        if matches!(event, Event::ShutDown)
            && let Some(recorder) = self.engine_mut().and_then(|engine| engine.recorder_mut())
        {
            recorder.end();
        }
    }

    /// Takes what was recorded since the last time.
    pub(super) fn keep_recording(&mut self) {
        let mut recording = std::mem::take(&mut self.recording);
        if let Some(recorder) = self.engine_mut().and_then(|engine| engine.recorder_mut()) {
            recorder.drain_into(&mut recording);
        }
        self.recording = recording;
    }
}
