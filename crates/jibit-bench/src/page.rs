//! The figures as docs/performance.md has them, and a chart beside it.

use std::{fmt::Write as _, fs, path::Path};

use crate::{Outcome, figures::Measured};

/// Which figures the chart shows, of which part, and what they are called.
const SHOWN: [(&str, &str, &str); 2] = [
    ("client", "64 flows, plain: CPU", "64 async flows"),
    ("blocking", "64 flows, plain: CPU", "64 blocking threads"),
];

pub(crate) fn write(folder: &Path, parts: &[Measured]) -> Outcome<()> {
    let page = folder.join("performance.md");
    let text = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let text = parts
        .iter()
        .try_fold(text, |text, part| filled(&text, part))?;
    let chart = folder.join("performance.svg");
    for (file, text) in [(page, text), (chart, chart_of(parts))] {
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// The page with a part's table between its marks.
fn filled(page: &str, part: &Measured) -> Outcome<String> {
    let name = part.name;
    let (begins, ends) = (
        format!("<!-- figures of {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let missing = || format!("the page has no place for the figures of {name}");
    let (before, rest) = page.split_once(&begins).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&ends).ok_or_else(missing)?;
    let mut table = "| figure | bound | measured | |\n|---|---|---|---|\n".to_owned();
    for figure in &part.figures {
        let verdict = match (figure.bound.as_str(), figure.held) {
            ("none", _) => "",
            (_, true) => "held",
            (_, false) => "**missed**",
        };
        let (name, bound, measured) = (&figure.name, &figure.bound, &figure.measured);
        // Writing to a String does not fail.
        let _ = writeln!(table, "| {name} | {bound} | {measured} | {verdict} |");
    }
    for note in &part.notes {
        let _ = writeln!(table, "\n{note}");
    }
    Ok(format!("{before}{begins}\n{table}\n{ends}{after}"))
}

/// CPU time a request, as bars.
fn chart_of(parts: &[Measured]) -> String {
    const WIDTH: f64 = 720.0;
    const LABEL: f64 = 170.0;
    const ROW: f64 = 24.0;
    let mut bars = Vec::new();
    for (part, name, title) in SHOWN {
        let figures = parts
            .iter()
            .filter(|it| it.name == part)
            .flat_map(|it| &it.figures);
        let figure = figures.into_iter().find(|figure| figure.name == name);
        let values = figure.and_then(|figure| figure.details.get("values")?.as_object());
        let mut values: Vec<_> = (values.into_iter().flatten())
            .filter_map(|(by, value)| Some((by.as_str(), value.as_f64()?)))
            .collect();
        values.sort_by(|one, other| one.1.total_cmp(&other.1));
        bars.push((title, None));
        bars.extend(values.into_iter().map(|(by, value)| (by, Some(value))));
    }
    let most = bars
        .iter()
        .filter_map(|(_, value)| *value)
        .fold(1.0, f64::max);
    let height = ROW * (bars.len() + 1) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>CPU time of one request, in microseconds</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (row, (name, value)) in bars.iter().enumerate() {
        let top = ROW * row as f64 + 6.0;
        let line = top + 15.0;
        let _ = match value {
            None => writeln!(
                svg,
                "<text x=\"8\" y=\"{line}\" font-weight=\"bold\">CPU µs a request, {name}</text>"
            ),
            Some(value) => {
                let width = (WIDTH - LABEL - 60.0) * value / most;
                let ours = name.starts_with("jibit");
                let colour = if ours { "#0b6e4f" } else { "#b8c4c2" };
                writeln!(
                    svg,
                    "<text x=\"{}\" y=\"{line}\" text-anchor=\"end\">{name}</text>\
                     <rect x=\"{LABEL}\" y=\"{top}\" width=\"{width:.0}\" height=\"18\" fill=\"{colour}\"/>\
                     <text x=\"{:.0}\" y=\"{line}\">{value:.1}</text>",
                    LABEL - 8.0,
                    LABEL + width + 6.0,
                )
            }
        };
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::figures::Figure;

    fn part() -> Measured {
        let figure = |name: &str, bound: &str, held| Figure {
            name: name.to_owned(),
            measured: "0.70".to_owned(),
            bound: bound.to_owned(),
            held,
            details: json!({"values": {"jibit-hyper": 12.0, "reqwest": 24.0}}),
        };
        Measured {
            name: "client",
            figures: vec![
                figure("64 flows, plain: CPU", "0.80 of reqwest", true),
                figure("64 flows, plain: time", "none", true),
                figure("memory", "1.10", false),
            ],
            notes: vec!["NOT PINNED".to_owned()],
        }
    }

    #[test]
    fn a_table_takes_its_place() {
        let page = "# Speed\n\n<!-- figures of client -->\nold\n<!-- end of client -->\n\nWhy.\n";
        let filled = filled(page, &part()).unwrap();
        assert!(filled.starts_with("# Speed\n\n<!-- figures of client -->\n\n| figure |"));
        assert!(filled.contains("| 64 flows, plain: CPU | 0.80 of reqwest | 0.70 | held |\n"));
        assert!(filled.contains("| 64 flows, plain: time | none | 0.70 |  |\n"));
        assert!(filled.contains("| memory | 1.10 | 0.70 | **missed** |\n\nNOT PINNED\n"));
        assert!(filled.ends_with("\n<!-- end of client -->\n\nWhy.\n"));
        assert!(!filled.contains("old"));
    }

    #[test]
    fn a_page_without_a_place_is_not_written() {
        assert!(filled("# Speed\n", &part()).unwrap_err().contains("client"));
    }

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let chart = chart_of(&[part()]);
        assert!(chart.contains("width=\"245\" height=\"18\" fill=\"#0b6e4f\""));
        assert!(chart.contains("width=\"490\" height=\"18\" fill=\"#b8c4c2\""));
    }
}
