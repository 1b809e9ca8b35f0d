//! Writes the functions.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

use crate::argument::{Expanded, Parameter, expand, expand_result, is_size, variables};
use crate::parse::{Argument, Function, parsed};

/// The functions in float, those in double, and the list of all.
pub(crate) fn all(described: Vec<Function>) -> TokenStream {
    let mut functions = Vec::new();
    for mut function in described {
        let query = query(&function);
        // Workspaces and sums of products of sizes must fit into memory.
        let sizes = |query: &Function| query.arguments.iter().filter(|argument| is_size(argument)).count();
        let sums = |argument: &Argument| argument.details.iter().any(|detail| detail.to_string() == "sums");
        function.room = !function.generic
            || query.as_ref().map_or(0, sizes) > 1
            || function.arguments.iter().any(sums)
            || function.arguments.iter().all(is_size);
        functions.push(function);
        functions.extend(query);
    }
    let (mut code, mut listed) = (TokenStream::new(), String::new());
    for function in &functions {
        code.extend(checked(function));
        let precision = if function.generic { &FLOAT } else { &NONE };
        code.extend(exported(function, precision, &mut listed));
    }
    for function in functions.iter().filter(|function| function.generic) {
        code.extend(exported(function, &DOUBLE, &mut listed));
    }
    code.extend(parsed(&format!(
        "/// The functions of this file.
        pub const FUNCTIONS: &[crate::description::Function] = {{
            use crate::description::{{Access, Argument, Condition, Function, Kind, Shape, argument}};
            &[{listed}]
        }};"
    )));
    code
}

/// The function that tells the bytes of a function's workspace, from those arguments that the formula names.
fn query(function: &Function) -> Option<Function> {
    let workspace = function.arguments.iter().find(|argument| argument.kind == "workspace")?;
    let formula = workspace.details.first().expect("a formula");
    let mut names = Vec::new();
    variables(formula.clone(), &mut names);
    let bytes = Argument {
        name: "bytes".into(),
        kind: "usize".into(),
        text: "how many".into(),
        ..Argument::default()
    };
    let body =
        splice(parsed("crate::boundary::bytes::<T>(BODY)?"), &Group::new(Delimiter::None, formula.clone()));
    Some(Function {
        documentation: parsed(&doc(&format!("Bytes of workspace that {}_f32 needs.", function.name))),
        name: format!("{}_workspace", function.name),
        generic: true,
        query: true,
        room: true,
        arguments: function
            .arguments
            .iter()
            .filter(|argument| names.contains(&argument.name))
            .cloned()
            .collect(),
        results: vec![bytes],
        body: Group::new(Delimiter::Brace, body),
    })
}

fn expanded(function: &Function) -> Vec<Expanded> {
    let arguments = function.arguments.iter().map(|argument| expand(function, argument));
    arguments.chain(function.results.iter().map(expand_result)).collect()
}

/// The parameters with their types, for a declaration.
fn declared(made: &[Expanded], scalar: &str) -> String {
    let declare = |Parameter { name, rust, .. }: &Parameter| match rust.strip_suffix(" T") {
        Some(pointer) => format!("{name}: {pointer} {scalar},"),
        None => format!("{name}: {rust},"),
    };
    let parameters: String = made.iter().flat_map(|made| &made.parameters).map(declare).collect();
    parameters + "error: *mut crate::error::altmin_error,"
}

/// That sizes are not 0, and their products no more than memory can hold.
fn sizes(function: &Function) -> String {
    let (mut some, mut all, mut samples) = (String::new(), String::new(), "0");
    for Argument { name, kind, .. } in function.arguments.iter().filter(|argument| is_size(argument)) {
        let entry = format!("({name:?}, {name}),");
        match kind.as_str() {
            "samples" => samples = name,
            kind => {
                some += if kind == "size" { &entry } else { "" };
                all += &entry;
            }
        }
    }
    let room = format!("crate::boundary::require_room(&[{all}], {samples})?;");
    format!("crate::boundary::require_some(&[{some}])?;") + if function.room { &room } else { "" }
}

/// The function with its checks, for every type of scalar.
fn checked(function: &Function) -> TokenStream {
    let made = expanded(function);
    let part = |part: fn(&Expanded) -> &str| made.iter().map(part).collect::<String>();
    let (memory, contents) = (part(|made| &made.memory), part(|made| &made.contents));
    let numbers = sizes(function) + &part(|made| &made.conditions) + &part(|made| &made.numbers);
    // What only sizes are asked of begins with the pointers.
    let pointers_first = function.query || !function.generic;
    let (first, second) = if pointers_first { (memory, numbers) } else { (numbers, memory) };
    let computed: Vec<_> =
        function.results.iter().map(|result| format!("computed_{}", result.name)).collect();
    let pattern = computed.join(",");
    let give = |result: &Argument| match (result.or_null, &result.name) {
        (true, name) => format!("crate::boundary::give({name}, From::from(computed_{name}));"),
        (false, name) => format!("*{name} = From::from(computed_{name});"),
    };
    let give: String = function.results.iter().map(give).collect();
    let code = format!(
        "unsafe fn checked_{name}{generics}({parameters}) -> crate::error::altmin_status {{
            let call = |memory: &mut crate::boundary::Memory| {{
                {first} {second} {contents}
                let ({pattern}) = BODY;
                {give}
                Ok(())
            }};
            unsafe {{ crate::boundary::run(error, call) }}
        }}",
        name = function.name,
        generics = if function.generic { "<T: altmin_core::Real>" } else { "" },
        parameters = declared(&made, "T"),
    );
    splice(parsed(&code), &function.body)
}

/// Puts the body where `BODY` is. It keeps its place in the source, for the compiler's messages.
fn splice(code: TokenStream, body: &Group) -> TokenStream {
    let replace = |token| match token {
        TokenTree::Ident(ref word) if word.to_string() == "BODY" => TokenTree::Group(body.clone()),
        TokenTree::Group(group) => Group::new(group.delimiter(), splice(group.stream(), body)).into(),
        token => token,
    };
    code.into_iter().map(replace).collect()
}

/// A precision in which functions are exported.
struct Precision {
    suffix: &'static str,
    /// The type argument of the checked function.
    generics: &'static str,
    scalar: &'static str,
    /// Bytes of a scalar.
    element: usize,
}

/// Of functions that have no scalars.
const NONE: Precision = Precision { suffix: "", generics: "", scalar: "f64", element: 8 };
const FLOAT: Precision = Precision { suffix: "_f32", generics: "::<f32>", scalar: "f32", element: 4 };
const DOUBLE: Precision = Precision { suffix: "_f64", generics: "::<f64>", scalar: "f64", element: 8 };

/// The function for C; what the tests must know of it is added to the list.
fn exported(function: &Function, precision: &Precision, listed: &mut String) -> TokenStream {
    let Precision { suffix, generics, scalar, element } = precision;
    let (name, made) = (&function.name, expanded(function));
    let parameters: Vec<&Parameter> = made.iter().flat_map(|made| &made.parameters).collect();
    let described: String = parameters.iter().map(|parameter| parameter.description.as_str()).collect();
    let values: String = parameters.iter().map(|parameter| format!("{},", parameter.of_values)).collect();
    *listed += &format!(
        "Function {{
            name: \"{name}{suffix}\",
            element: {element},
            arguments: &[{described} Argument {{ name: \"error\", kind: Kind::Error, when: &[], or_null: true }}],
            call: |values| {{
                let mut values = values.iter();
                unsafe {{ {name}{suffix}({values} argument(&mut values)) }}
            }},
        }},"
    );
    let mut code = TokenStream::new();
    if *suffix == "_f64" {
        code.extend(parsed(&doc(&format!("As {name}_f32, in double precision."))));
    } else {
        let parameters =
            made.iter().flat_map(|made| &made.documentation).map(|text| doc(text)).collect::<String>();
        code.extend(function.documentation.clone());
        code.extend(parsed(&format!("#[doc = \"\"] {parameters}")));
    }
    code.extend(parsed(&format!(
        "#[unsafe(no_mangle)]
        pub unsafe extern \"C\" fn {name}{suffix}({declared}) -> crate::error::altmin_status {{
            unsafe {{ checked_{name}{generics}({passed} error) }}
        }}",
        declared = declared(&made, scalar),
        passed = parameters.iter().map(|parameter| format!("{},", parameter.name)).collect::<String>(),
    )));
    code
}

/// Characters of a line of documentation, the space before it included.
const WIDTH: usize = 117;

/// A doc comment; lines after its first are indented.
fn doc(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => *line += &format!(" {word}"),
            _ => lines.push(format!("     {word}")),
        }
    }
    lines.iter().map(|line| format!("#[doc = {line:?}]")).collect()
}
