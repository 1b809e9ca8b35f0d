//! Writes the functions.

use proc_macro::{Group, TokenStream, TokenTree};

use crate::argument::{Expanded, Parameter, expand, expand_result, formula, is_size, needs_room, twin};
use crate::parse::{Argument, Function};

/// A precision in which functions are exported.
struct Precision {
    suffix: &'static str,
    /// The type argument of the function for every type of scalar.
    generics: &'static str,
    scalar: &'static str,
    /// Bytes of a scalar.
    element: usize,
}

/// Of functions that have no scalars.
const NONE: Precision = Precision { suffix: "", generics: "", scalar: "f64", element: 8 };
const FLOAT: Precision = Precision { suffix: "_f32", generics: "::<f32>", scalar: "f32", element: 4 };
const DOUBLE: Precision = Precision { suffix: "_f64", generics: "::<f64>", scalar: "f64", element: 8 };

/// The functions in float, those in double, and the list of all.
pub(crate) fn all(functions: &[Function]) -> TokenStream {
    let mut code = TokenStream::new();
    let mut listed = String::new();
    for function in functions {
        let made: Vec<_> = arguments(function).collect();
        code.extend(generic(function, &made));
        let precision = if function.generic { FLOAT } else { NONE };
        code.extend(exported(&function.name, &precision, documentation(function, &made), &made, &mut listed));
        if let Some(formula) = formula(function) {
            let made: Vec<_> = workspace_arguments(function).collect();
            code.extend(generic_workspace(function, formula, &made));
            let text = format!("Bytes of workspace that {}{} needs.", function.name, precision.suffix);
            let text = doc(&[text, String::new()]) + &parameters_documentation(&made);
            let name = format!("{}_workspace", function.name);
            code.extend(exported(&name, &precision, parse(&text), &made, &mut listed));
        }
    }
    for function in functions.iter().filter(|function| function.generic) {
        let double = |name: &str| parse(&doc(&[format!("As {name}_f32, in double precision.")]));
        let made: Vec<_> = arguments(function).collect();
        code.extend(exported(&function.name, &DOUBLE, double(&function.name), &made, &mut listed));
        if formula(function).is_some() {
            let name = format!("{}_workspace", function.name);
            let made: Vec<_> = workspace_arguments(function).collect();
            code.extend(exported(&name, &DOUBLE, double(&name), &made, &mut listed));
        }
    }
    code.extend(parse(&format!(
        "/// The functions of this file.
        pub const FUNCTIONS: &[crate::description::Function] = {{
            use crate::description::{{Access, Argument, Condition, Function, Kind, Shape, argument}};
            &[{listed}]
        }};"
    )));
    code
}

fn parse(code: &str) -> TokenStream {
    code.parse().unwrap_or_else(|error| panic!("{error}: {code}"))
}

fn arguments(function: &Function) -> impl Iterator<Item = Expanded> {
    let arguments = function.arguments.iter().map(|argument| expand(function, argument));
    arguments.chain(function.results.iter().map(expand_result))
}

/// Those of the function that says how much workspace is needed.
fn workspace_arguments(function: &Function) -> impl Iterator<Item = Expanded> {
    let bytes = Argument {
        name: "bytes".into(),
        kind: "usize".into(),
        details: Vec::new(),
        when: None,
        or_null: false,
        text: "how many".into(),
    };
    let arguments = twin(function).into_iter().map(|argument| expand(function, argument));
    arguments.chain([expand_result(&bytes)])
}

/// The parameters with their types, for a declaration.
fn declared(made: &[Expanded], scalar: &str) -> String {
    let parameters = made.iter().flat_map(|made| &made.parameters);
    let declared: String = parameters
        .map(|Parameter { name, rust, .. }| match rust.strip_suffix(" T") {
            Some(pointer) => format!("{name}: {pointer} {scalar},"),
            None => format!("{name}: {rust},"),
        })
        .collect();
    format!("{declared} error: *mut crate::error::altmin_error,")
}

fn checks(made: &[Expanded], check: fn(&Expanded) -> &str) -> String {
    made.iter().map(check).collect()
}

/// That sizes are not 0, and their products no more than memory can hold.
fn sizes<'a>(arguments: impl Iterator<Item = &'a Argument>, room: bool) -> String {
    let (mut some, mut all, mut samples) = (String::new(), String::new(), "0");
    for Argument { name, kind, .. } in arguments.filter(|argument| is_size(argument)) {
        let entry = format!("({name:?}, {name}),");
        match kind.as_str() {
            "samples" => samples = name,
            "extent" => all += &entry,
            _ => {
                all += &entry;
                some += &entry;
            }
        }
    }
    let some = if some.is_empty() { String::new() } else { format!("crate::boundary::require_some(&[{some}])?;") };
    let room = if room { format!("crate::boundary::require_room(&[{all}], {samples})?;") } else { String::new() };
    some + &room
}

/// The function for every type of scalar.
fn generic(function: &Function, made: &[Expanded]) -> TokenStream {
    let generics = if function.generic { "<T: altmin_core::Real>" } else { "" };
    let names: Vec<&str> = function.results.iter().map(|result| result.name.as_str()).collect();
    let computed: String = names.iter().map(|name| format!("computed_{name},")).collect();
    let give = |result: &Argument| {
        let name = &result.name;
        match result.or_null {
            true => format!("crate::boundary::give({name}, From::from(computed_{name}));"),
            false => format!("*{name} = From::from(computed_{name});"),
        }
    };
    let give: String = function.results.iter().map(give).collect();
    let result = match &names[..] {
        [] => "BODY;".to_owned(),
        [name] => format!("let computed_{name} = BODY;"),
        _ => format!("let ({computed}) = BODY;"),
    };
    let code = format!(
        "unsafe fn checked_{name}{generics}({parameters}) -> crate::error::altmin_status {{
            let call = |memory: &mut crate::boundary::Memory| {{
                {sizes} {conditions} {numbers} {memory} {contents}
                {result}
                {give}
                Ok(())
            }};
            unsafe {{ crate::boundary::guard(error, call) }}
        }}",
        name = function.name,
        parameters = declared(made, "T"),
        sizes = sizes(function.arguments.iter(), needs_room(function)),
        conditions = checks(made, |made| &made.conditions),
        numbers = checks(made, |made| &made.numbers),
        memory = checks(made, |made| &made.memory),
        contents = checks(made, |made| &made.contents),
    );
    splice(parse(&code), &function.body)
}

/// The function that says how much workspace is needed, for every type of scalar.
fn generic_workspace(function: &Function, formula: &TokenStream, made: &[Expanded]) -> TokenStream {
    let code = format!(
        "unsafe fn checked_{name}_workspace<T: altmin_core::Real>({parameters}) -> crate::error::altmin_status {{
            let call = |memory: &mut crate::boundary::Memory| {{
                {memory} {sizes} {numbers} {contents}
                crate::boundary::give_bytes::<T>(bytes, BODY)
            }};
            unsafe {{ crate::boundary::guard(error, call) }}
        }}",
        name = function.name,
        parameters = declared(made, "T"),
        memory = checks(made, |made| &made.memory),
        sizes = sizes(twin(function).into_iter(), true),
        numbers = checks(made, |made| &made.numbers),
        contents = checks(made, |made| &made.contents),
    );
    splice(parse(&code), &Group::new(proc_macro::Delimiter::Brace, formula.clone()))
}

/// Puts the body where `BODY` is. It keeps its place in the source, for the compiler's messages.
fn splice(code: TokenStream, body: &Group) -> TokenStream {
    let spliced = code.into_iter().map(|token| match token {
        TokenTree::Ident(ref word) if word.to_string() == "BODY" => TokenTree::Group(body.clone()),
        TokenTree::Group(group) => TokenTree::Group(Group::new(group.delimiter(), splice(group.stream(), body))),
        token => token,
    });
    spliced.collect()
}

/// A function for C; what the tests must know of it is added to the list.
fn exported(
    name: &str,
    precision: &Precision,
    documentation: TokenStream,
    made: &[Expanded],
    listed: &mut String,
) -> TokenStream {
    let Precision { suffix, generics, scalar, element } = precision;
    let parameters: Vec<&Parameter> = made.iter().flat_map(|made| &made.parameters).collect();
    let passed: String = parameters.iter().map(|parameter| format!("{},", parameter.name)).collect();
    let described: String = parameters.iter().map(|parameter| format!("{},", parameter.description)).collect();
    let error = "Argument { name: \"error\", kind: Kind::Error, when: &[], or_null: true }";
    let values = "argument(&mut values),".repeat(parameters.len() + 1);
    *listed += &format!(
        "Function {{
            name: \"{name}{suffix}\",
            element: {element},
            arguments: &[{described} {error}],
            call: |values| {{
                let mut values = values.iter();
                unsafe {{ self::{name}{suffix}({values}) }}
            }},
        }},"
    );
    let mut code = documentation;
    code.extend(parse(&format!(
        "#[unsafe(no_mangle)]
        pub unsafe extern \"C\" fn {name}{suffix}({declared}) -> crate::error::altmin_status {{
            unsafe {{ checked_{name}{generics}({passed} error) }}
        }}",
        declared = declared(made, scalar),
    )));
    code
}

fn documentation(function: &Function, made: &[Expanded]) -> TokenStream {
    let mut text = function.documentation.clone();
    text.extend(parse(&doc(&[String::new()])));
    text.extend(parse(&parameters_documentation(made)));
    text
}

fn parameters_documentation(made: &[Expanded]) -> String {
    let lines: Vec<String> = made.iter().flat_map(|made| &made.documentation).flat_map(|text| wrap(text)).collect();
    doc(&lines)
}

/// Doc comments.
fn doc(lines: &[String]) -> String {
    let line = |line: &String| match line.is_empty() {
        true => "#[doc = \"\"]".to_owned(),
        false => format!("#[doc = {:?}]", format!(" {line}")),
    };
    lines.iter().map(line).collect()
}

/// Characters of a line of documentation.
const WIDTH: usize = 116;

/// Lines of no more than [`WIDTH`] characters; those after the first are indented.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("a line");
        if line.is_empty() {
            *line = word.into();
        } else if line.len() + 1 + word.len() > WIDTH {
            lines.push(format!("    {word}"));
        } else {
            *line += " ";
            *line += word;
        }
    }
    lines
}
