//! What the framing promises for any bytes and any split of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use bytes::BytesMut;
use exstreamtv_worker_protocol::{Command, Decoder, Report, encode};
use proptest::prelude::*;

fn any_report() -> impl Strategy<Value = Report> {
    prop_oneof![
        (any::<u64>(), ".*").prop_map(|(ticket, text)| Report::Probed { ticket, result: Ok(text) }),
        (any::<u64>(), ".*").prop_map(|(ticket, text)| Report::Probed { ticket, result: Err(text) }),
        (any::<u32>(), any::<u32>(), ".*", ".*").prop_map(|(protocol, pid, token, version)| Report::Hello {
            protocol,
            token,
            version,
            pid
        }),
    ]
}

/// Feeds `bytes` in portions of the given sizes, again and again, and pops whatever is complete.
fn decode_in_portions(bytes: &[u8], sizes: &[usize]) -> Vec<Report> {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (portion, later) = rest.split_at((*size).min(rest.len()));
        decoder.feed(portion);
        while let Some(message) = decoder.next_message().unwrap() {
            messages.push(message);
        }
        rest = later;
        if rest.is_empty() {
            return messages;
        }
    }
    messages
}

proptest! {
    #[test]
    fn any_split_of_the_stream_gives_the_same_messages(
        reports in prop::collection::vec(any_report(), 0..8),
        sizes in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let mut bytes = BytesMut::new();
        for report in &reports {
            encode(report, &mut bytes).unwrap();
        }
        prop_assert_eq!(decode_in_portions(&bytes, &sizes), reports);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_always_come_to_an_end(
        portions in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..10),
    ) {
        let mut decoder = Decoder::default();
        for portion in portions {
            decoder.feed(&portion);
            loop {
                match decoder.next_message::<Command>() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) if error.is_fatal() => break,
                    Err(_) => {}
                }
            }
        }
    }
}
