//! Tests of what a connection costs.

use super::*;
use core::mem::size_of;

/// Of each connection there is one, and one is looked at with every input: what grows here is paid for thousands of
/// times. A new field that is seldom used belongs in a box.
#[test]
#[cfg(target_pointer_width = "64")]
fn what_every_connection_has_is_small() {
    let sizes = [
        ("Peer", size_of::<Peer>(), 1_096),
        ("Decoder", size_of::<Decoder>(), 224),
        ("Window", size_of::<Window>(), 224),
        ("Rate", size_of::<Rate>(), 64),
        ("Requests", size_of::<Requests>(), 64),
        ("Serve", size_of::<Serve>(), 88),
        ("Pending", size_of::<Pending>(), 64),
        ("Action", size_of::<Action>(), 56),
        ("Input", size_of::<crate::Input>(), 128),
        ("Event", size_of::<crate::Event>(), 80),
    ];
    for (name, size, most) in sizes {
        assert!(size <= most, "{name} takes {size} bytes, more than {most}");
    }
}
