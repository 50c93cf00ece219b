//! Finds packets in bytes.
//!
//! Does: cut at a verified cadence of 188 bytes, and find it again after garbage.
//! Does not: look into packets.
//! Invariant: every byte is looked at a bounded number of times; at most two packets and a byte are kept between pushes.

use crate::packet::{PACKET_BYTES, SYNC_BYTE};

/// Bytes needed to verify a cadence: three sync bytes, one packet apart.
const PROOF_BYTES: usize = 2 * PACKET_BYTES + 1;

/// Cuts bytes into packets.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// The cadence is known: the next byte to come begins a packet, or goes on with the one in `carry`.
    locked: bool,
    /// What is left of the last push: part of a packet if locked, else less than a proof.
    carry: Vec<u8>,
    pub(super) skipped_bytes: u64,
    pub(super) sync_losses: u64,
}

impl Framing {
    /// Takes bytes and hands each packet found to `packet`.
    pub(super) fn push(&mut self, bytes: &[u8], mut packet: impl FnMut(&[u8; PACKET_BYTES])) {
        let mut carry = std::mem::take(&mut self.carry);
        let rest = if self.locked { complete(&mut carry, bytes, &mut packet) } else { bytes };
        if carry.is_empty() {
            // The usual way: no byte is copied but those of the one packet that two pushes share.
            let kept = self.walk(rest, &mut packet);
            carry.extend_from_slice(kept);
        } else {
            carry.extend_from_slice(rest);
            if !self.locked {
                let kept_bytes = self.walk(&carry, &mut packet).len();
                carry.drain(..carry.len() - kept_bytes);
            }
        }
        self.carry = carry;
    }

    /// Gives up what is left.
    pub(super) fn finish(&mut self) {
        self.skipped_bytes += self.carry.len() as u64;
        self.carry.clear();
        self.locked = false;
    }

    /// Hands out all whole packets and returns what must be kept.
    fn walk<'a>(&mut self, mut bytes: &'a [u8], packet: &mut impl FnMut(&[u8; PACKET_BYTES])) -> &'a [u8] {
        loop {
            if !self.locked {
                let skipped = find_cadence(bytes);
                self.skipped_bytes += skipped as u64;
                bytes = &bytes[skipped..];
                if bytes.len() < PROOF_BYTES {
                    return bytes;
                }
                self.locked = true;
            }
            while let Some((head, rest)) = bytes.split_first_chunk::<PACKET_BYTES>()
                && head[0] == SYNC_BYTE
            {
                packet(head);
                bytes = rest;
            }
            if bytes.first().is_none_or(|byte| *byte == SYNC_BYTE) {
                return bytes;
            }
            self.locked = false;
            self.sync_losses += 1;
        }
    }
}

/// Completes the packet in `carry` and returns the bytes after it.
fn complete<'a>(carry: &mut Vec<u8>, bytes: &'a [u8], packet: &mut impl FnMut(&[u8; PACKET_BYTES])) -> &'a [u8] {
    if carry.is_empty() {
        return bytes;
    }
    let missing = PACKET_BYTES.saturating_sub(carry.len()).min(bytes.len());
    carry.extend_from_slice(&bytes[..missing]);
    if let Some(whole) = carry.first_chunk::<PACKET_BYTES>() {
        packet(whole);
        carry.clear();
    }
    &bytes[missing..]
}

/// Returns where a cadence begins, or how many bytes certainly hold none.
fn find_cadence(bytes: &[u8]) -> usize {
    let candidates = (bytes.len() + 1).saturating_sub(PROOF_BYTES);
    (0..candidates)
        .find(|at| [0, PACKET_BYTES, 2 * PACKET_BYTES].iter().all(|ahead| bytes[at + ahead] == SYNC_BYTE))
        .unwrap_or(candidates)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(tag: u8) -> [u8; PACKET_BYTES] {
        let mut packet = [tag; PACKET_BYTES];
        packet[0] = SYNC_BYTE;
        packet
    }

    fn tags(bytes: &[u8], step: usize) -> (Vec<u8>, Framing) {
        let (mut framing, mut tags) = (Framing::default(), Vec::new());
        for part in bytes.chunks(step) {
            framing.push(part, |packet| tags.push(packet[1]));
        }
        framing.finish();
        (tags, framing)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn packets_are_the_same_however_the_bytes_are_cut(step in 1usize..2_000, garbage in 0usize..700) {
            let bytes = [
                vec![0x47; garbage / 3], // sync bytes alone are no cadence...
                vec![0; garbage],
                (0..20).flat_map(packet).collect(),
                vec![9; garbage],
                (20..40).flat_map(packet).collect(),
            ].concat();
            let (found, framing) = tags(&bytes, step);
            prop_assert_eq!(&found[found.len() - 40..], (0..40).collect::<Vec<_>>());
            prop_assert!(found.len() <= 42); // ...but two of them can stand right before one
            prop_assert_eq!(framing.sync_losses, u64::from(garbage > 0));
        }
    }

    #[test]
    fn a_packet_cut_short_costs_no_other_packet() {
        let bytes =
            [packet(1).to_vec(), packet(2).to_vec(), packet(3)[..100].to_vec(), (4..9).flat_map(packet).collect()];
        // Nothing says where packet 3 ends, so it swallows the head of packet 4.
        assert_eq!(tags(&bytes.concat(), 77).0, [1, 2, 3, 5, 6, 7, 8]);
    }

    #[test]
    fn fewer_bytes_than_a_proof_are_no_packets() {
        assert!(tags(&[packet(1), packet(2)].concat(), 376).0.is_empty());
    }
}
