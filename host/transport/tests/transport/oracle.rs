//! An independent reader of transport streams finds in ours what we put in.

use std::{cell::RefCell, sync::Arc};

use bytes::BytesMut;
use exstreamtv_model::OutputProfile;
use exstreamtv_transport::{FrameGrid, RunDemux, Slate, Splice, TsMux};
use mpeg2ts_reader::{
    StreamType, demultiplex, demux_context, packet_filter_switch,
    pes::{self, PesContents, PtsDts},
    psi,
};

use crate::generator::{self, Pattern, RunSpec};

/// What the reader saw.
#[derive(Default)]
struct Seen {
    video_pts: Vec<u64>,
    audio_pts: Vec<u64>,
    continuity_errors: usize,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

packet_filter_switch! {
    Filters<Context> {
        Pes: pes::PesPacketFilter<Context, Reader>,
        Pat: demultiplex::PatPacketFilter<Context>,
        Pmt: demultiplex::PmtPacketFilter<Context>,
        Null: demultiplex::NullPacketFilter<Context>,
    }
}
demux_context!(Context, Filters);

impl Context {
    fn do_construct(&mut self, request: demultiplex::FilterRequest<'_, '_>) -> Filters {
        use demultiplex::FilterRequest::{ByPid, ByStream, Nit, Pmt};
        match request {
            ByPid(psi::pat::PAT_PID) => Filters::Pat(demultiplex::PatPacketFilter::default()),
            Pmt { pid, program_number } => Filters::Pmt(demultiplex::PmtPacketFilter::new(pid, program_number)),
            ByStream { stream_type, .. } if [StreamType::H264, StreamType::ADTS].contains(&stream_type) => {
                Filters::Pes(pes::PesPacketFilter::new(Reader { is_video: stream_type == StreamType::H264 }))
            }
            ByPid(_) | ByStream { .. } | Nit { .. } => Filters::Null(demultiplex::NullPacketFilter::default()),
        }
    }
}

struct Reader {
    is_video: bool,
}

impl pes::ElementaryStreamConsumer<Context> for Reader {
    fn start_stream(&mut self, _: &mut Context) {}

    fn begin_packet(&mut self, _: &mut Context, header: pes::PesHeader<'_>) {
        let PesContents::Parsed(Some(parsed)) = header.contents() else { panic!("a header that cannot be parsed") };
        let pts = match parsed.pts_dts().unwrap() {
            PtsDts::PtsOnly(Ok(pts)) | PtsDts::Both { pts: Ok(pts), dts: Ok(_) } => pts.value(),
            other => panic!("no times: {other:?}"),
        };
        SEEN.with_borrow_mut(|seen| if self.is_video { &mut seen.video_pts } else { &mut seen.audio_pts }.push(pts));
    }

    fn continue_packet(&mut self, _: &mut Context, _: &[u8]) {}

    fn end_packet(&mut self, _: &mut Context) {}

    fn continuity_error(&mut self, _: &mut Context) {
        SEEN.with_borrow_mut(|seen| seen.continuity_errors += 1);
    }
}

#[test]
fn an_independent_reader_finds_every_picture_and_sound_of_spliced_runs() {
    let grid = FrameGrid::new(&OutputProfile::default());
    let slate = Arc::new(Slate::from_run(&generator::slate(10)).unwrap());
    let (mut splice, mut mux, mut out) =
        (Splice::new(grid, 600, Some(slate)), TsMux::new("Oracle", grid), BytesMut::new());
    for number in 0..3 {
        let spec = RunSpec {
            id: number,
            rate: (30, 1),
            frames: 90,
            gop: 60,
            pattern: Pattern::Pyramid,
            start_ticks: 1_000_000,
            sound_late_ticks: 0,
            sounds_per_pes: 2,
            known_lengths: number % 2 == 0,
            picture_bytes: 2_000,
        };
        let mut demux = RunDemux::new();
        demux.push(&spec.transport_stream());
        demux.finish();
        let first = 600 + 100 * i64::from(number);
        splice.begin_run(first, first + 90);
        std::iter::from_fn(|| demux.pop()).for_each(|unit| splice.push(unit));
        splice.end_run();
        splice.fill_slate(first + 100);
    }
    std::iter::from_fn(|| splice.pop()).for_each(|unit| mux.write(&unit, &mut out));

    let mut context = Context::new();
    let mut reader = demultiplex::Demultiplex::new(&mut context);
    reader.push(&mut context, &out);
    SEEN.with_borrow_mut(|seen| {
        assert_eq!(seen.continuity_errors, 0);
        seen.video_pts.sort_unstable();
        assert_eq!(seen.video_pts, (602..902).map(|index| index * 3_000).collect::<Vec<u64>>());
        // From the first multiple of 1920 that is not more than half a frame before the pictures, to their end.
        assert_eq!(seen.audio_pts, (941..1_409).map(|number| number * 1_920).collect::<Vec<u64>>());
    });
}
