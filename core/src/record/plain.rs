//! The plain values that others consist of: numbers, texts, options, lists, addresses. Nothing here knows what is
//! recorded.

use super::code::{Code, Out, Take};
use super::error::Fault;
use crate::limits::MAX_RECORDED_LIST;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use core::time::Duration;

macro_rules! code_numbers {
    ($($number:ty),*) => {$(
        impl Code for $number {
            fn put(&self, out: &mut Out) {
                out.number(*self as u64);
            }

            fn take(from: &mut Take) -> Result<Self, Fault> {
                Self::try_from(from.number()?).map_err(|_| Fault::Number)
            }
        }
    )*};
}

code_numbers!(u8, u16, u32, u64, usize);

/// Signed numbers are written so that small ones are short, whatever their sign.
impl Code for i64 {
    fn put(&self, out: &mut Out) {
        out.number((self << 1 ^ self >> 63).cast_unsigned());
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let n = from.number()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }
}

impl Code for i32 {
    fn put(&self, out: &mut Out) {
        i64::from(*self).put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        Self::try_from(i64::take(from)?).map_err(|_| Fault::Number)
    }
}

impl Code for bool {
    fn put(&self, out: &mut Out) {
        out.bytes.push(u8::from(*self));
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(Fault::Kind { of: "a yes or no", tag }),
        }
    }
}

impl<const N: usize> Code for [u8; N] {
    fn put(&self, out: &mut Out) {
        out.bytes.extend_from_slice(self);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        from.array()
    }
}

impl Code for Box<str> {
    fn put(&self, out: &mut Out) {
        out.text(self.as_bytes());
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let bytes = from.text()?;
        core::str::from_utf8(&bytes).map(Into::into).map_err(|_| Fault::Text)
    }
}

impl Code for Bytes {
    fn put(&self, out: &mut Out) {
        out.data(self);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        from.data()
    }
}

impl<T: Code> Code for Option<T> {
    fn put(&self, out: &mut Out) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        if bool::take(from)? { T::take(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Code, E: Code> Code for Result<T, E> {
    fn put(&self, out: &mut Out) {
        self.is_ok().put(out);
        match self {
            Ok(value) => value.put(out),
            Err(error) => error.put(out),
        }
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        if bool::take(from)? { T::take(from).map(Ok) } else { E::take(from).map(Err) }
    }
}

impl<T: Code> Code for Vec<T> {
    fn put(&self, out: &mut Out) {
        self.len().put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let len = from.len()?;
        if len > MAX_RECORDED_LIST {
            return Err(Fault::TooLong { len, limit: MAX_RECORDED_LIST });
        }
        // It grows with what is there, whatever the number says: each value takes at least a byte.
        (0..len).map(|_| T::take(from)).collect()
    }
}

impl<T: Code> Code for Box<T> {
    fn put(&self, out: &mut Out) {
        (**self).put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        T::take(from).map(Self::new)
    }
}

impl Code for Duration {
    fn put(&self, out: &mut Out) {
        self.as_secs().put(out);
        self.subsec_nanos().put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let (secs, nanos) = (u64::take(from)?, u32::take(from)?);
        if nanos < 1_000_000_000 { Ok(Self::new(secs, nanos)) } else { Err(Fault::Number) }
    }
}

impl Code for IpAddr {
    fn put(&self, out: &mut Out) {
        match self {
            Self::V4(ip) => {
                out.bytes.push(4);
                ip.octets().put(out);
            }
            Self::V6(ip) => {
                out.bytes.push(6);
                ip.octets().put(out);
            }
        }
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        match from.byte()? {
            4 => Ok(Ipv4Addr::from(<[u8; 4]>::take(from)?).into()),
            6 => Ok(Ipv6Addr::from(<[u8; 16]>::take(from)?).into()),
            tag => Err(Fault::Kind { of: "an address", tag }),
        }
    }
}

impl Code for SocketAddr {
    fn put(&self, out: &mut Out) {
        self.ip().put(out);
        self.port().put(out);
        if let Self::V6(v6) = self {
            v6.flowinfo().put(out);
            v6.scope_id().put(out);
        }
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let (ip, port) = (IpAddr::take(from)?, u16::take(from)?);
        Ok(match ip {
            IpAddr::V4(_) => Self::new(ip, port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, u32::take(from)?, u32::take(from)?).into(),
        })
    }
}
