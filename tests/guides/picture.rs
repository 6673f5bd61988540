//! The picture of the way of a key: the sources in their order, as a report lists
//! them, and the one server that the key goes to.

use std::fmt::Write;

use serde_json::Value;

use crate::support::{self, Home, Run};

/// What a source is, for a person.
fn label(row: &Value) -> [&str; 2] {
    let file = row["source_name"].as_str().unwrap_or_default();
    match row["source"].as_str().expect("a source") {
        "explicit" => ["the program", "api_key, wandb-login KEY"],
        "session" => ["the program", "a session of the same server"],
        "environment" => ["a variable", "WANDB_API_KEY"],
        "identity_token" => ["an identity token", "WANDB_IDENTITY_TOKEN_FILE"],
        "key_file" => ["a file with the key", "WANDB_API_KEY_FILE"],
        "settings" if file.contains("/cwd/") => ["settings of the directory", "./wandb/settings"],
        "settings" => ["settings of the user", "~/.config/wandb/settings"],
        "netrc" => ["netrc", "~/.netrc"],
        "prompt" => ["the prompt", "callback or terminal"],
        other => panic!("the picture lacks {other}"),
    }
}

const WIDTH: usize = 720;
const ROW: usize = 44;
const TOP: usize = 40;

/// The picture as SVG, light or dark as the reader's screen.
fn draw(sources: &[Value]) -> String {
    let height = TOP + ROW * sources.len() + 20;
    let middle = TOP + ROW * sources.len() / 2;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="14" role="img" aria-label="The sources of a key in their order, and the server it is bound to">
<style>
  text {{ fill: #24292f }} .soft {{ fill: #57606a; font-size: 12px }}
  rect {{ fill: #f6f8fa; stroke: #8c959f }} path {{ fill: none; stroke: #0969da; stroke-width: 1.5 }}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #e6edf3 }} .soft {{ fill: #9198a1 }} rect {{ fill: #161b22; stroke: #656c76 }} path {{ stroke: #4493f8 }}
  }}
</style>
<text x="20" y="24" class="soft">The first source that is set is used.</text>
"##
    );
    for (index, row) in sources.iter().enumerate() {
        let [kind, detail] = label(row);
        let (y, number) = (TOP + ROW * index, index + 1);
        let _ = write!(
            svg,
            r#"<rect x="20" y="{y}" width="400" height="34" rx="6"/>
<text x="34" y="{text}">{number}. {kind}</text>
<text x="406" y="{text}" class="soft" text-anchor="end">{detail}</text>
<path d="M420 {center} C 460 {center}, 460 {middle}, 500 {middle}"/>
"#,
            text = y + 22,
            center = y + 17,
        );
    }
    let box_top = middle - 45;
    let _ = write!(
        svg,
        r#"<rect x="500" y="{box_top}" width="200" height="90" rx="6"/>
<text x="600" y="{}" text-anchor="middle">one server</text>
<text x="600" y="{}" text-anchor="middle" class="soft">the one the key belongs to;</text>
<text x="600" y="{}" text-anchor="middle" class="soft">a working directory</text>
<text x="600" y="{}" text-anchor="middle" class="soft">cannot redirect it</text>
</svg>
"#,
        box_top + 24,
        box_top + 44,
        box_top + 60,
        box_top + 76,
    );
    svg
}

#[test]
fn the_picture_of_the_sources_has_the_order_of_the_code() {
    let home = Home::new();
    let run = Run::of(&mut home.wandb_login(&["status", "--json"]));
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let svg = draw(report["sources"].as_array().expect("sources"));
    let path = support::root().join("docs/sources.svg");
    if crate::is_update() {
        std::fs::write(&path, svg).expect("the picture is written");
    } else {
        let written = std::fs::read_to_string(&path).expect("docs/sources.svg");
        assert_eq!(written, svg);
    }
}
