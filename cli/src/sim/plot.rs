//! A picture of a simulation: how many downloads were complete, how much was received, and how much sent, over time.

use peerless_sim::scenario::{Report, Sample};
use std::fmt::Write as _;

const WIDTH: u64 = 800;
const PANEL: u64 = 220;
const LEFT: u64 = 90;
const TOP: u64 = 50;
const GAP: u64 = 60;

/// The picture as an SVG document.
pub(super) fn svg(report: &Report) -> String {
    let end = report.samples.last().map_or(1, |s| s.at.as_micros()).max(1);
    let height = TOP + 2 * PANEL + 2 * GAP;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\">{}, seed {}</text>\n",
        LEFT + WIDTH + 40,
        report.scenario,
        report.seed,
    );
    let all = report.leechers.len() as u64;
    let complete = |s: &Sample| s.complete as u64;
    let (down, up) = (|s: &Sample| s.down >> 10, |s: &Sample| s.up >> 10);
    panel(&mut out, TOP, "downloads complete", all.max(1), end);
    curve(&mut out, "#2a6f97", &points(report, TOP, all.max(1), end, complete));
    let below = TOP + PANEL + GAP;
    let fastest = report.samples.iter().map(|s| down(s).max(up(s))).max().unwrap_or(0).max(1);
    panel(&mut out, below, "KiB/s received (red) and sent (green), all together", fastest, end);
    curve(&mut out, "#6a994e", &points(report, below, fastest, end, up));
    curve(&mut out, "#bc4749", &points(report, below, fastest, end, down));
    out.push_str("</svg>\n");
    out
}

/// Where the curve of a value runs, in a panel whose upper side stands for `most`.
fn points(report: &Report, top: u64, most: u64, end: u64, value: impl Fn(&Sample) -> u64) -> String {
    let mut points = String::new();
    for sample in &report.samples {
        let x = LEFT + scale(sample.at.as_micros(), end, WIDTH);
        let y = top + PANEL - scale(value(sample), most, PANEL);
        let _ = write!(points, "{x},{y} ");
    }
    points
}

fn curve(out: &mut String, colour: &str, points: &str) {
    let points = points.trim_end();
    let _ =
        writeln!(out, "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{points}\"/>");
}

/// The frame of one panel, with what its sides mean.
fn panel(out: &mut String, top: u64, title: &str, most: u64, end: u64) {
    let (bottom, right) = (top + PANEL, LEFT + WIDTH);
    let _ = writeln!(
        out,
        "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{WIDTH}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#999\"/>\n\
         <text x=\"{LEFT}\" y=\"{}\">{title}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most}</text>\n\
         <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>\n\
         <text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{}.{} s</text>",
        top - 6,
        LEFT - 6,
        top + 12,
        LEFT - 6,
        bottom + 16,
        end / 1_000_000,
        end / 100_000 % 10,
    );
}

fn scale(value: u64, most: u64, length: u64) -> u64 {
    u64::try_from(u128::from(value.min(most)) * u128::from(length) / u128::from(most)).unwrap_or(length)
}
