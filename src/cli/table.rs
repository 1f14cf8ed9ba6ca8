//! Aligned columns for a person.

use std::fmt::Write as _;

/// To which side the cells of a column go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Lines of cells, two blanks apart, without blanks at the end. An empty cell
/// shows `-`, so that a script that splits at blanks finds each column.
pub(super) fn table<const N: usize>(sides: [Side; N], lines: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let widths = lines
            .iter()
            .map(|line| shown(&line[column]).chars().count());
        widths.max().unwrap_or(0)
    });
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for ((cell, width), side) in line.iter().zip(widths).zip(sides) {
            let cell = shown(cell);
            let _ = match side {
                Side::Left => write!(row, "{cell:<width$}  "),
                Side::Right => write!(row, "{cell:>width$}  "),
            };
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// Without control characters, which a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).collect()
}

/// A time as people read it; the heading or the line says that it is UTC.
pub(super) fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_hold_something() {
        let lines = [["run", "rows"], ["a\u{1b}[2J", "12"], ["", "3"]];
        let lines = lines.map(|line| line.map(str::to_owned));
        let text = table([Side::Left, Side::Right], &lines);
        assert_eq!(text, "run    rows\na [2J    12\n-         3\n");
    }
}
