//! FFmpeg on a machine with a video card that is not there.
//!
//! Does: answer questions about cards from a corpus, translate what a card would do into what the processor does, and fail as cards fail.
//! Does not: pretend speed; a processor does the work.
//! Usage: `translating-ffmpeg MODE STATE REPLAY CORPUS ARGUMENTS…`; whatever has nothing to do with cards is given to the real FFmpeg.

use std::{
    env, fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode, exit},
    thread,
    time::Duration,
};

use exstreamtv_tests::translate::{Mode, on_processor};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mode, state, replay, corpus, rest @ ..] = arguments.as_slice() else {
        eprintln!("translating-ffmpeg MODE STATE REPLAY CORPUS ARGUMENTS...");
        return ExitCode::from(64);
    };
    let is_list = rest.iter().any(|word| {
        ["-version", "-hwaccels", "-encoders", "-decoders", "-filters"].contains(&word.as_str())
            || word.starts_with("encoder=")
    });
    let is_run = rest.iter().any(|word| word == "-progress");
    let of_card = rest.iter().any(|word| word == "-init_hw_device");
    if is_list || (of_card && !is_run) {
        // The clips that probes decode are made by the real one.
        let failed = Command::new("sh").arg(replay).args(rest).env("REPLAY_CORPUS", corpus).exec();
        eprintln!("{failed}");
        return ExitCode::from(71);
    }
    if !(of_card && is_run) {
        return become_ffmpeg(rest.to_vec());
    }
    let Some(mode) = Mode::parse(mode) else {
        eprintln!("there is no mode {mode}");
        return ExitCode::from(64);
    };
    play(mode, Path::new(state), rest)
}

fn play(mode: Mode, state: &Path, rest: &[String]) -> ExitCode {
    match mode {
        Mode::Well => become_ffmpeg(on_processor(rest, None)),
        Mode::StartsSlowly => {
            thread::sleep(Duration::from_secs(2));
            become_ffmpeg(on_processor(rest, None))
        }
        Mode::NoSessionBeyond(most) => {
            let own = state.join(format!("session-{}", std::process::id()));
            if sessions(state) >= most {
                eprintln!("[error] [h264_nvenc @ 0x55d0] OpenEncodeSessionEx failed: out of memory (10): (no details)");
                eprintln!(
                    "[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0"
                );
                return ExitCode::from(1);
            }
            _ = fs::write(own, "");
            become_ffmpeg(on_processor(rest, None))
        }
        Mode::LostAfter(seconds) => {
            _ = Command::new("ffmpeg").args(on_processor(rest, Some(seconds))).status();
            eprintln!(
                "[error] [AVHWFramesContext @ 0x55d0] cuMemcpy2DAsync failed -> CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure"
            );
            exit(187)
        }
        Mode::Lies => ExitCode::SUCCESS,
        Mode::Stalls => {
            thread::sleep(Duration::from_secs(100_000));
            ExitCode::SUCCESS
        }
        Mode::DecodesInSilence => {
            eprintln!("[error] [h264 @ 0x55d0] Failed setup for format cuda: hwaccel initialisation returned error.");
            become_ffmpeg(on_processor(rest, None))
        }
    }
}

/// Sessions whose processes live: what becomes FFmpeg keeps its number.
fn sessions(state: &Path) -> usize {
    let entries = fs::read_dir(state).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.strip_prefix("session-").map(str::to_owned));
    pids.filter(|pid| Path::new("/proc").join(pid).exists()).count()
}

fn become_ffmpeg(arguments: Vec<String>) -> ExitCode {
    let failed = Command::new("ffmpeg").args(arguments).exec();
    eprintln!("ffmpeg: {failed}");
    ExitCode::from(71)
}
