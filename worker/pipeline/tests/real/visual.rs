//! Pictures by numbers: what comes out against a reference that other filters rendered, or that is computed here.
//!
//! Invariant: no reference is made by the filters of the plan.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use exstreamtv_model::{
    FrameRate, OutputProfile,
    media::{Color, FieldOrder, VideoStream},
    order::{AtTimes, Corner, Watermark},
};

use crate::harness::{Run, make, play, video};

/// So many bits that the encoder hardly matters.
fn generous() -> OutputProfile {
    OutputProfile {
        width: 320,
        height: 180,
        frame_rate: FrameRate::new(25, 1),
        video_bitrate_bps: 6_000_000,
        ..Default::default()
    }
}

/// Returns peak signal-to-noise ratio (dB) and structural similarity of two videos, over all pictures and planes.
fn likeness(found: &Path, reference: &Path) -> (f64, f64) {
    let measured = |filter: &str, key: &str| {
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-v", "info", "-i"])
            .arg(found)
            .arg("-i")
            .arg(reference)
            .args([
                "-lavfi",
                &format!(
                    "[0:v]trim=end_frame=24,settb=1/25,setpts=N[a];[1:v]trim=end_frame=24,settb=1/25,setpts=N[b];[a][b]{filter}"
                ),
            ])
            .args(["-f", "null", "-"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().rev().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{said}"));
        let value = line.split_once(key).unwrap().1;
        value.split([' ', '(']).next().unwrap().parse::<f64>().unwrap_or(f64::INFINITY)
    };
    (measured("psnr", "average:"), measured("ssim", "All:"))
}

/// A lossless render by other means.
fn reference(folder: &Path, arguments: &str) -> PathBuf {
    make(folder, "reference.mkv", &format!("{arguments} -c:v ffv1 -pix_fmt yuv420p"))
}

/// Mean of one plane in a part of the picture, 8 bits.
fn mean(media: &Path, crop: &str, plane: &str) -> f64 {
    mean_at(media, 12, crop, plane)
}

/// The same for any picture.
fn mean_at(media: &Path, picture: u32, crop: &str, plane: &str) -> f64 {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-f", "lavfi", "-of", "csv=p=0", "-show_entries"])
        .arg(format!("frame_tags=lavfi.signalstats.{plane}AVG"))
        .arg(format!("movie={},select=eq(n\\,{picture}),crop={crop},signalstats", media.display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim()
        .trim_end_matches(',')
        .parse()
        .unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&output.stderr)))
}

const HD: &str = "-f lavfi -i testsrc2=s=1280x720:r=25:d=1.2 -f lavfi -i sine=d=1.2";
const LOSSLESS: &str = "-c:v libx264 -qp 0 -preset ultrafast -pix_fmt yuv420p -c:a flac";

fn tagged(video: VideoStream) -> VideoStream {
    let name = |name: &str| Some(name.to_owned());
    VideoStream { color: Color { space: name("bt709"), range: name("tv"), ..Default::default() }, ..video }
}

#[test]
fn a_picture_that_is_scaled_looks_as_another_scaler_would_make_it() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.mkv", &format!("{HD} {LOSSLESS} -colorspace bt709 -color_range tv"));
    let run = Run::of(&play(&film, tagged(video(1280, 720, FrameRate::new(25, 1))), generous(), 25));
    let wanted = "-f lavfi -i testsrc2=s=1280x720:r=25:d=1.2 -vf zscale=320:180:filter=spline36";
    let (psnr, ssim) = likeness(&run.path(), &reference(folder.path(), wanted));
    println!("scale: {psnr:.1} dB, SSIM {ssim:.4}");
    assert!(psnr >= 38.0 && ssim >= 0.985, "{psnr} dB, SSIM {ssim}");
}

#[test]
fn bars_are_black_and_the_picture_between_them_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = "-f lavfi -i testsrc2=s=640x480:r=25:d=1.2 -f lavfi -i sine=d=1.2";
    let film = make(folder.path(), "film.mkv", &format!("{narrow} {LOSSLESS} -colorspace bt709 -color_range tv"));
    let run = Run::of(&play(&film, tagged(video(640, 480, FrameRate::new(25, 1))), generous(), 25));
    let wanted = "-f lavfi -i testsrc2=s=640x480:r=25:d=1.2 -f lavfi -i color=c=black:s=320x180:r=25:d=1.2 \
                  -filter_complex [0]zscale=240:180:filter=spline36[p];[1][p]overlay=x=40:y=0";
    let (psnr, ssim) = likeness(&run.path(), &reference(folder.path(), wanted));
    println!("pad: {psnr:.1} dB, SSIM {ssim:.4}");
    assert!(psnr >= 38.0 && ssim >= 0.985, "{psnr} dB, SSIM {ssim}");
    for bar in ["36:180:0:0", "36:180:284:0"] {
        assert!((mean(&run.path(), bar, "Y") - 16.0).abs() < 1.5, "{bar}: {}", mean(&run.path(), bar, "Y"));
        assert!((mean(&run.path(), bar, "U") - 128.0).abs() < 1.5);
    }
}

#[test]
fn fields_become_the_pictures_that_they_were_taken_from() {
    let folder = tempfile::tempdir().unwrap();
    // Fifty pictures a second, of which every second one is what a camera of twenty-five would have seen at the first field.
    let moving = "-f lavfi -i mandelbrot=s=320x180:r=50:end_scale=0.3:end_pts=200,scroll=horizontal=0.012,format=yuv420p -f lavfi -i sine=d=1.2 -t 1.2";
    let tape = make(
        folder.path(),
        "tape.mkv",
        &format!(
            "{moving} -vf interlace=scan=tff:lowpass=off,setfield=tff -flags +ildct+ilme -c:v mpeg2video -qscale:v 1 -c:a flac"
        ),
    );
    let interlaced =
        VideoStream { field_order: FieldOrder::TopFirst, ..tagged(video(320, 180, FrameRate::new(25, 1))) };
    let run = Run::of(&play(&tape, interlaced, generous(), 25));
    let wanted = "-f lavfi -i mandelbrot=s=320x180:r=50:end_scale=0.3:end_pts=200,scroll=horizontal=0.012,format=yuv420p -t 1.2 -vf select=not(mod(n\\,2)),setpts=N/25/TB -r 25";
    let reference = reference(folder.path(), wanted);
    let (psnr, ssim) = likeness(&run.path(), &reference);
    // The same without the filter, to see that it does something at all.
    let (combed, _) = likeness(&tape, &reference);
    println!("deinterlace: {psnr:.1} dB, SSIM {ssim:.4}; with combs {combed:.1} dB");
    assert!(psnr >= 29.5 && psnr > combed + 3.0, "{psnr} dB, SSIM {ssim}; with combs {combed} dB");
}

/// SMPTE ST 2084: from light in cd/m² to code values from 0 to 1.
fn pq(nits: f64) -> f64 {
    let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 4096.0 * 128.0);
    let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 4096.0 * 32.0, 2392.0 / 4096.0 * 32.0);
    let y = (nits / 10_000.0_f64).powf(m1);
    ((c1 + c2 * y) / (1.0 + c3 * y)).powf(m2)
}

/// Hable's curve, as it is published. A file that says nothing of its master is taken for one of 1,000 cd/m²; what is brighter is white.
fn toned(nits: f64) -> f64 {
    let hable = |x: f64| (x * (0.15 * x + 0.05) + 0.004) / (x * (0.15 * x + 0.5) + 0.06) - 0.02 / 0.30;
    (hable(nits / 100.0) / hable(10.0)).min(1.0)
}

/// ITU-R BT.1886: from the light of a screen to luma of 8 bits in limited range.
fn luma(light: f64) -> f64 {
    16.0 + 219.0 * light.powf(1.0 / 2.4)
}

#[test]
fn light_beyond_the_screens_is_taken_down_by_the_curve_that_is_promised() {
    let folder = tempfile::tempdir().unwrap();
    for nits in [10.0, 100.0, 203.0, 1_000.0, 4_000.0] {
        let code = (64.0 + 876.0 * pq(nits)).round();
        let grey = format!(
            "-f lavfi -i color=c=black:s=320x180:r=25:d=1.2,format=yuv420p10le,geq=lum={code}:cb=512:cr=512 -f lavfi -i sine=d=1.2 \
             -c:v libx265 -x265-params lossless=1:log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited -c:a flac"
        );
        let film = make(folder.path(), "grey.mkv", &grey);
        let name = |name: &str| Some(name.to_owned());
        let hdr = VideoStream {
            pixel_format: name("yuv420p10le"),
            color: Color {
                range: name("tv"),
                space: name("bt2020nc"),
                transfer: name("smpte2084"),
                primaries: name("bt2020"),
            },
            ..video(320, 180, FrameRate::new(25, 1))
        };
        let run = Run::of(&play(&film, hdr, generous(), 25));
        let (found, wanted) = (mean(&run.path(), "200:100:60:40", "Y"), luma(toned(nits)));
        println!("{nits} cd/m²: luma {found:.1}, wanted {wanted:.1}");
        // Brighter than white, it may be coded brighter than white.
        let white = found >= 235.0 && wanted >= 235.0;
        assert!(white || (found - wanted).abs() <= 2.0, "{nits} cd/m²: {found}, wanted {wanted}");
        for plane in ["U", "V"] {
            assert!((mean(&run.path(), "200:100:60:40", plane) - 128.0).abs() <= 1.5, "grey stays grey");
        }
    }
}

#[test]
fn whatever_went_in_what_comes_out_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = "-f lavfi -i testsrc2=s=352x288:r=50:d=1.2,setsar=12/11 -f lavfi -i sine=d=1.2";
    let film = make(folder.path(), "film.mkv", &format!("{narrow} -c:v mpeg2video -c:a mp2"));
    let source = VideoStream { sample_aspect: (12, 11), ..video(352, 288, FrameRate::new(50, 1)) };
    let run = Run::of(&play(&film, source, generous(), 25));
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-of", "default=nw=1", "-show_entries"])
        .arg("stream=codec_name,profile,width,height,sample_aspect_ratio,pix_fmt,field_order,color_range,color_space,color_transfer,color_primaries,r_frame_rate")
        .arg(run.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "codec_name=h264",
        "profile=High",
        "width=320",
        "height=180",
        "sample_aspect_ratio=1:1",
        "pix_fmt=yuv420p",
        "field_order=progressive",
        "color_range=tv",
        "color_space=bt709",
        "color_transfer=bt709",
        "color_primaries=bt709",
        "r_frame_rate=25/1",
    ] {
        assert!(text.lines().any(|line| line == expected), "{expected}: {text}");
    }
}

#[test]
fn a_watermark_is_where_it_belongs_as_strong_as_it_should_be_and_only_when_it_is_time() {
    let folder = tempfile::tempdir().unwrap();
    let logo = make(folder.path(), "logo", "-f lavfi -i color=c=white:s=100x50:d=1 -frames:v 1 -c:v png -f image2");
    let grey = "-f lavfi -i color=c=black:s=320x180:r=25:d=2.4,format=yuv420p,geq=lum=100:cb=128:cr=128 -f lavfi -i sine=d=2.4";
    let film = make(folder.path(), "film.mkv", &format!("{grey} {LOSSLESS} -colorspace bt709 -color_range tv"));
    let mut order = play(&film, tagged(video(320, 180, FrameRate::new(25, 1))), generous(), 50);
    order.watermark = Some(Watermark {
        image: logo,
        corner: Corner::TopRight,
        width_percent: 10,
        margin_percent: 5,
        opacity_percent: 50,
        // The run begins 600 ms into a period of 1 s, of which the first 500 ms show it.
        at_times: Some(AtTimes { every_ms: 1_000, for_ms: 500, into_ms: 600 }),
    });
    let run = Run::of(&order);
    // 32x16 at 272,16; white is 235.
    let (inside, left, below) = ("24:8:276:20", "60:8:200:20", "24:60:276:60");
    let luma = |picture, crop| mean_at(&run.path(), picture, crop, "Y");
    for (picture, shown) in [(5, false), (14, true), (18, true), (26, false), (38, true), (49, false)] {
        let wanted = if shown { (235.0 + 100.0) / 2.0 } else { 100.0 };
        assert!((luma(picture, inside) - wanted).abs() <= 2.0, "picture {picture}: {}", luma(picture, inside));
        for crop in [left, below] {
            assert!((luma(picture, crop) - 100.0).abs() <= 1.0, "picture {picture}, {crop}: {}", luma(picture, crop));
        }
    }
}
