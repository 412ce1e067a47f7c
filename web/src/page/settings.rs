//! Every setting as it holds, and where it comes from.

use askama::Template;

use super::visit::Visit;
use super::{Frame, Page, render};
use crate::Setting;

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings<'a> {
    frame: Frame,
    sections: Vec<(&'a str, Vec<Line<'a>>)>,
}

struct Line<'a> {
    name: &'a str,
    setting: &'a Setting,
    is_default: bool,
}

pub(crate) async fn show(visit: Visit) -> Page {
    let mut sections: Vec<(&str, Vec<Line<'_>>)> = Vec::new();
    for setting in &visit.web.options().settings {
        let (section, name) = setting.key.split_once('.').unwrap_or(("", &setting.key));
        if sections.last().is_none_or(|(last, _)| *last != section) {
            sections.push((section, Vec::new()));
        }
        if let Some((_, lines)) = sections.last_mut() {
            lines.push(Line { name, setting, is_default: setting.origin == "default" });
        }
    }
    Ok(render(&Settings { frame: Frame::of(&visit, "Settings", "settings"), sections }))
}
