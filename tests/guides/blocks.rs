//! The fenced code blocks of a Markdown page.

/// A fenced block.
pub struct Block {
    /// The words after the fence: the language, and how to run it.
    pub info: String,
    pub text: String,
    /// The line of its first line of text, counted from 0.
    pub start: usize,
}

impl Block {
    pub fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    /// Whether the block runs in a container-like root.
    pub fn is_in_container(&self) -> bool {
        self.info.split(' ').any(|word| word == "container")
    }

    /// Whether the block is lines for a shell, without their output. What needs an installed
    /// release is run by `tests/packages`.
    pub fn is_script(&self) -> bool {
        self.language() == "sh" && !self.info.split(' ').any(|word| word == "release")
    }

    /// The commands of a console block, each with the output below it.
    pub fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        for line in self.text.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push(Command {
                    text: command.to_owned(),
                    output: String::new(),
                }),
                (None, Some(command)) if command.output.is_empty() && line.starts_with("> ") => {
                    command.text += &format!("\n{}", &line[2..]);
                }
                (None, Some(command)) => command.output += &format!("{line}\n"),
                (None, None) => panic!("output before the first command: {line}"),
            }
        }
        commands
    }
}

/// A command of a console block.
pub struct Command {
    pub text: String,
    /// What it prints, on both streams.
    pub output: String,
}

impl Command {
    /// The command and an output, as in a page.
    pub fn shown(&self, output: &str) -> String {
        format!("$ {}\n{output}", self.text.replace('\n', "\n> "))
    }
}

pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    start: index + 1,
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => blocks.extend(hidden(line, index)),
        }
    }
    assert!(open.is_none(), "an open fence");
    blocks
}

/// A command in a comment, which a reader does not see: it ends the effect of a block.
fn hidden(line: &str, index: usize) -> Option<Block> {
    let command = line.strip_prefix("<!-- run: ")?.strip_suffix(" -->")?;
    Some(Block {
        info: "hidden".into(),
        text: format!("{command}\n"),
        start: index,
    })
}

#[test]
fn a_console_block_has_commands_with_their_output() {
    let page = "text\n```console container\n$ one\nout\n$ two \\\n> more\n```\n";
    let blocks = blocks(page);
    assert_eq!(blocks.len(), 1);
    assert!(blocks[0].is_in_container());
    let commands = blocks[0].commands();
    assert_eq!(commands[0].output, "out\n");
    assert_eq!(commands[1].text, "two \\\nmore");
    assert_eq!(commands[1].shown("x\n"), "$ two \\\n> more\nx\n");
}
