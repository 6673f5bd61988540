//! The picture of the way of a key: the sources in their order, as a report lists
//! them, and the one server that the key goes to. And the chart of the benchmarks.

use std::fmt::Write;

use serde_json::Value;

use crate::chart::chart;
use crate::support::{self, Home, Run, svg};

/// What a source is, for a person.
fn label(row: &Value) -> [&str; 2] {
    let file = row["source_name"].as_str().unwrap_or_default();
    match row["source"].as_str().expect("a source") {
        "explicit" => ["the program", "api_key, wandb-login KEY"],
        "session" => ["the program", "a session of the same server"],
        "environment" => ["a variable", "WANDB_API_KEY"],
        "identity_token" => ["an identity token", "WANDB_IDENTITY_TOKEN_FILE"],
        "key_file" => ["a file with the key", "WANDB_API_KEY_FILE"],
        "settings" if file.contains("/cwd/") => ["workspace settings", "./wandb/settings"],
        "settings" => ["system settings", "~/.config/wandb/settings"],
        "netrc" => ["netrc", "~/.netrc"],
        "prompt" => ["the prompt", "callback or terminal"],
        other => panic!("the picture lacks {other}"),
    }
}

const WIDTH: usize = 420;
const ROW: usize = 52;
const TOP: usize = 36;

/// The picture as SVG, light or dark as the reader's screen.
fn draw(sources: &[Value]) -> String {
    let height = TOP + ROW * sources.len() + 8;
    let middle = TOP + ROW * sources.len() / 2;
    let mut svg = svg::begin(
        WIDTH,
        height,
        "The sources of a key in their order, and the server it is bound to",
        &[
            (
                "rect",
                "fill: #f6f8fa; stroke: #8c959f",
                "fill: #161b22; stroke: #656c76",
            ),
            (
                "path",
                "fill: none; stroke: #0969da; stroke-width: 1.5",
                "stroke: #4493f8",
            ),
        ],
    );
    svg += "<text x=\"8\" y=\"20\" class=\"soft\">The first source that is set is used.</text>\n";
    for (index, row) in sources.iter().enumerate() {
        let [kind, detail] = label(row);
        let (y, number) = (TOP + ROW * index, index + 1);
        let _ = write!(
            svg,
            r#"<rect x="8" y="{y}" width="222" height="44" rx="6"/>
<text x="18" y="{first}">{number}. {kind}</text>
<text x="18" y="{second}" class="soft">{detail}</text>
<path d="M230 {center} C 256 {center}, 244 {middle}, 270 {middle}"/>
"#,
            first = y + 18,
            second = y + 35,
            center = y + 22,
        );
    }
    let top = middle - 45;
    let _ = write!(
        svg,
        r#"<rect x="270" y="{top}" width="142" height="90" rx="6"/>
<text x="341" y="{}" text-anchor="middle">one server</text>
"#,
        top + 24
    );
    let lines = [
        "the one the key is for;",
        "a working directory",
        "cannot redirect it",
    ];
    for (index, line) in lines.iter().enumerate() {
        let y = top + 44 + 16 * index;
        let _ = writeln!(
            svg,
            r#"<text x="341" y="{y}" text-anchor="middle" class="soft">{line}</text>"#
        );
    }
    svg + "</svg>\n"
}

/// Compares a picture in the repository with the one that is drawn, or writes it.
fn compare(path: &str, svg: &str) {
    let path = support::root().join(path);
    if crate::is_update() {
        std::fs::write(&path, svg).expect("the picture is written");
    } else {
        let written = std::fs::read_to_string(&path).expect("the picture");
        assert_eq!(written, svg);
    }
}

#[test]
fn the_picture_of_the_sources_has_the_order_of_the_code() {
    let home = Home::new();
    let run = Run::of(&mut home.wandb_login(&["status", "--json"]));
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    compare(
        "docs/sources.svg",
        &draw(report["sources"].as_array().expect("sources")),
    );
}

#[test]
fn the_chart_shows_the_times_of_the_table() {
    let page = std::fs::read_to_string(support::root().join("BENCHMARKS.md"));
    let page = page.expect("BENCHMARKS.md");
    let (_, rest) = page.split_once("<!-- bench:begin -->").expect("its begin");
    let (table, _) = rest.split_once("<!-- bench:end -->").expect("its end");
    let svg = chart(table);
    assert!(svg.matches("class=\"ours\"").count() > 5, "{svg}");
    compare("benches/table.svg", &svg);
}
