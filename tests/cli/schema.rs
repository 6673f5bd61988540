//! The JSON of a report against its schema: as much of JSON Schema as that uses.

use serde_json::Value;

/// What is wrong with a value, if anything, with the path to it.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    at(schema, value, "$")
}

fn at(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{path} {what}: {value}"));
    for keyword in schema.as_object().expect("a schema is an object").keys() {
        match keyword.as_str() {
            "$schema"
            | "title"
            | "description"
            | "type"
            | "enum"
            | "properties"
            | "required"
            | "additionalProperties"
            | "items"
            | "minimum" => {}
            other => panic!("the checker does not know {other}"),
        }
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !types.is_empty() && !types.contains(&kind(value)) {
        return wrong(&format!("must be {}", types.join(" or ")));
    }
    if let Some(choices) = schema["enum"].as_array().filter(|all| !all.contains(value)) {
        return wrong(&format!("must be one of {choices:?}"));
    }
    if let (Some(least), Some(number)) = (schema["minimum"].as_i64(), value.as_i64())
        && number < least
    {
        return wrong(&format!("must be at least {least}"));
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            at(&schema["items"], item, &format!("{path}[{index}]"))?;
        }
    }
    let Some(members) = value.as_object() else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap_or_default()) {
            return wrong(&format!("lacks {name}"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(schema) => at(schema, member, &format!("{path}.{name}"))?,
            None => return wrong(&format!("has a member too many, {name}")),
        }
    }
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_checker_refuses_what_the_schema_forbids() {
    let schema = crate::reports::schema();
    let good = r#"{"configured": false, "host": {"url": null, "source": "default", "source_name": null},
        "winner": null, "sources": [], "rank": null, "warnings": [], "user": null, "findings": []}"#;
    let good: Value = serde_json::from_str(good).expect("JSON");
    check(&schema, &good).expect("the smallest report");
    for (member, bad) in [
        ("configured", Value::from("no")),
        ("winner", Value::from("nobody")),
        (
            "rank",
            serde_json::json!({"index": -1, "size": 2, "variable": "RANK"}),
        ),
        ("rank", serde_json::json!({"index": 1, "size": 2})),
        ("sources", serde_json::json!([{}])),
        ("warnings", serde_json::json!([1])),
        ("more", Value::Null),
    ] {
        let mut report = good.clone();
        report[member] = bad;
        assert!(check(&schema, &report).is_err(), "{report}");
    }
}
