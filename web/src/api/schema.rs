//! JSON Schemas (draft 2020-12, as OpenAPI 3.1 has it): made here, shown in the document, and what requests are held against.
//! Only what is used here can be said, so what is shown is what is checked.

use serde_json::{Map, Value, json};

use crate::problem::FieldError;

/// Required and optional properties of an object, and nothing else.
pub(super) fn object(required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        required.iter().chain(optional).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let names: Vec<&str> = required.iter().map(|(name, _)| *name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn list(items: Value, most: Option<u64>) -> Value {
    let mut schema = json!({ "type": "array", "items": items });
    if let Some(most) = most {
        schema["maxItems"] = json!(most);
    }
    schema
}

pub(super) fn text(least: u64, most: u64, about: &str) -> Value {
    json!({ "type": "string", "minLength": least, "maxLength": most, "description": about })
}

pub(super) fn any_text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

pub(super) fn boolean(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

pub(super) fn number(about: &str) -> Value {
    whole(0, LARGEST, about)
}

pub(super) fn whole(least: i64, most: i64, about: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most, "description": about })
}

/// Seconds since 1970.
pub(super) fn moment(about: &str) -> Value {
    json!({ "type": "integer", "description": format!("{about}, in seconds since 1970") })
}

pub(super) fn or_null(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// Programs read larger numbers inexactly.
pub(super) const LARGEST: i64 = (1 << 53) - 1;

/// What of the value does not fit, by JSON pointer. `components` are what references name.
pub(super) fn check(schema: &Value, value: &Value, components: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    Checker { components, errors: &mut errors }.value(schema, value, "");
    errors
}

struct Checker<'a> {
    components: &'a Value,
    errors: &'a mut Vec<FieldError>,
}

impl Checker<'_> {
    fn refuse(&mut self, pointer: &str, message: impl Into<String>) {
        let field = if pointer.is_empty() { "/" } else { pointer };
        self.errors.push(FieldError { place: "body", field: field.to_owned(), message: message.into() });
    }

    fn value(&mut self, schema: &Value, value: &Value, pointer: &str) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.value(&self.components[name], value, pointer);
        }
        if !types(schema).any(|kind| is_of(kind, value)) {
            let wanted: Vec<&str> = types(schema).collect();
            return self.refuse(pointer, format!("must be {}", wanted.join(" or ")));
        }
        match value {
            Value::Object(object) => self.object(schema, object, pointer),
            Value::Array(items) => {
                let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
                if items.len() as u64 > most {
                    return self.refuse(pointer, format!("must have {most} items at most"));
                }
                for (index, item) in items.iter().enumerate() {
                    self.value(&schema["items"], item, &format!("{pointer}/{index}"));
                }
            }
            Value::String(text) => self.text(schema, text, pointer),
            Value::Number(number) => {
                let exact = number.as_f64().filter(|number| number.abs() <= LARGEST as f64);
                let number = number.as_i64().or(exact.map(|number| number as i64)).unwrap_or(i64::MAX);
                let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
                if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                    let (least, most) = (least.unwrap_or(0), most.unwrap_or(LARGEST));
                    self.refuse(pointer, format!("must be from {least} to {most}"));
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn object(&mut self, schema: &Value, object: &Map<String, Value>, pointer: &str) {
        let properties = schema["properties"].as_object();
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                self.refuse(&format!("{pointer}/{name}"), "is missing");
            }
        }
        for (name, value) in object {
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => self.value(schema, value, &pointer),
                None => self.refuse(&pointer, "is not known here"),
            }
        }
    }

    fn text(&mut self, schema: &Value, text: &str, pointer: &str) {
        if let Some(words) = schema["enum"].as_array() {
            if !words.iter().any(|word| word == text) {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                self.refuse(pointer, format!("must be one of {}", words.join(", ")));
            }
            return;
        }
        let length = text.chars().count() as u64;
        let least = schema["minLength"].as_u64().unwrap_or(0);
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        if length < least || length > most {
            self.refuse(pointer, format!("must have from {least} to {most} characters"));
        }
    }
}

fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema["type"].as_str();
    let more = schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(more)
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        // JSON Schema: 1.0 is an integer too.
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|f| f.fract() == 0.0),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(schema: &Value, value: &Value) -> Vec<String> {
        let components = json!({ "Name": text(1, 3, "") });
        check(schema, value, &components).into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn says_which_fields_are_wrong() {
        let schema = object(
            &[("name", reference("Name")), ("age", whole(1, 9, ""))],
            &[("tags", list(words(&["a", "b"]), Some(2))), ("note", or_null(text(0, 5, "")))],
        );
        assert!(fields(&schema, &json!({ "name": "x", "age": 9, "note": null })).is_empty());
        assert_eq!(fields(&schema, &json!([])), ["/"]);
        assert_eq!(fields(&schema, &json!({ "age": 0 })), ["/name", "/age"]);
        assert_eq!(fields(&schema, &json!({ "name": "", "age": 1, "x/y": 1 })), ["/name", "/x~1y"]);
        assert_eq!(fields(&schema, &json!({ "name": 1, "age": 1.5 })), ["/age", "/name"]);
        let tags = |tags: Value| fields(&schema, &json!({ "name": "x", "age": 1, "tags": tags }));
        assert_eq!(tags(json!(["a", "c"])), ["/tags/1"]);
        assert_eq!(tags(json!(["a", "a", "a"])), ["/tags"]);
    }
}
