//! The head of a picture that is light or dark as the reader's screen.

/// A rule of the style: its selector, and its declarations on a light and a dark screen.
pub type Rule = (&'static str, &'static str, &'static str);

const TEXT: [Rule; 2] = [
    ("text", "fill: #24292f", "fill: #e6edf3"),
    (".soft", "fill: #57606a; font-size: 11px", "fill: #9198a1"),
];

/// Begins a picture. `width` and `height` are its size on a screen that is wide enough: a
/// narrow one shows it smaller.
pub fn begin(width: usize, height: usize, label: &str, rules: &[Rule]) -> String {
    let all = || TEXT.iter().chain(rules);
    let light: String = all()
        .map(|(of, light, _)| format!("  {of} {{ {light} }}\n"))
        .collect();
    let dark: String = all()
        .map(|(of, _, dark)| format!("    {of} {{ {dark} }}\n"))
        .collect();
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" role="img" aria-label="{label}">
<style>
{light}  @media (prefers-color-scheme: dark) {{
{dark}  }}
</style>
"#
    )
}
