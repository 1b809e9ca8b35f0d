//! What each kind of argument becomes.

use proc_macro::{TokenStream, TokenTree};

use crate::parse::{Argument, Condition, Function, shapes};

/// A parameter of the C function.
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Its type in Rust.
    pub(crate) rust: String,
    /// The `description::Argument` that tells the tests of it.
    pub(crate) description: String,
}

/// All that comes of one description.
#[derive(Default)]
pub(crate) struct Expanded {
    pub(crate) parameters: Vec<Parameter>,
    /// The text of each `@param`.
    pub(crate) documentation: Vec<String>,
    /// What is found out from codes while they are numbers.
    pub(crate) conditions: String,
    /// Checks of numbers and codes.
    pub(crate) numbers: String,
    /// Checks of pointers.
    pub(crate) memory: String,
    /// Checks of what structs, classes and targets hold.
    pub(crate) contents: String,
}

impl Expanded {
    fn parameter(&mut self, name: &str, rust: &str, kind: &str) {
        self.conditional(name, rust, kind, &[], false);
    }

    /// A parameter that is looked at only if one of the conditions holds, each a name and a number; or that may be NULL.
    fn conditional(&mut self, name: &str, rust: &str, kind: &str, when: &[(String, String)], or_null: bool) {
        let when = when.iter().map(|(argument, code)| format!("Condition {{ argument: {argument:?}, code: {code} }},"));
        let when: String = when.collect();
        self.parameters.push(Parameter {
            name: name.into(),
            rust: rust.into(),
            description: format!("Argument {{ name: {name:?}, kind: {kind}, when: &[{when}], or_null: {or_null} }}"),
        });
    }

    fn document(&mut self, access: &str, name: &str, said: &str, text: &str) {
        let colon = if said.is_empty() || text.is_empty() || text.starts_with(';') { "" } else { ": " };
        self.documentation.push(format!("@param{access} {name} {said}{colon}{text}"));
    }
}

/// The enum whose codes a kind takes.
fn code_type(kind: &str) -> Option<String> {
    match kind {
        "activation" | "dual" | "loss" | "order" | "parts" | "prepared" | "proximal" | "regularizer" | "solver"
        | "transpose" => Some(format!("altmin_{kind}")),
        "closed_form" => Some("altmin_regularizer".into()),
        "gradient_step" | "inverse" => Some("altmin_prepared".into()),
        "step_rule" => Some("altmin_step".into()),
        _ => None,
    }
}

impl Condition {
    fn code_type(&self, function: &Function) -> String {
        let named = function.arguments.iter().find(|argument| argument.name == self.code);
        let code_type = named.and_then(|argument| code_type(&argument.kind));
        code_type.unwrap_or_else(|| panic!("{}: `{}` is no code", function.name, self.code))
    }

    /// The code's number, for Rust.
    fn number(&self, function: &Function) -> String {
        format!("crate::codes::{}::{} as i32", self.code_type(function), self.variant)
    }

    /// The code's name in C.
    fn constant(&self, function: &Function) -> String {
        let mut name = self.code_type(function).to_uppercase();
        for letter in self.variant.chars() {
            if letter.is_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_uppercase());
        }
        name
    }

    fn described(&self, function: &Function) -> (String, String) {
        (self.code.clone(), self.number(function))
    }
}

/// Whether the arguments' sizes are multiplied with each other, in sums or in a workspace, and must have room for it.
pub(crate) fn needs_room(function: &Function) -> bool {
    let sums = |argument: &Argument| argument.details.iter().any(|detail| detail.to_string() == "sums");
    !function.generic
        || function.arguments.iter().any(sums)
        || twin(function).iter().filter(|argument| is_size(argument)).count() > 1
}

pub(crate) fn is_size(argument: &Argument) -> bool {
    matches!(argument.kind.as_str(), "size" | "extent" | "samples")
}

/// The workspace's formula.
pub(crate) fn formula(function: &Function) -> Option<&TokenStream> {
    let workspace = function.arguments.iter().find(|argument| argument.kind == "workspace");
    workspace.map(|workspace| workspace.details.first().expect("a formula"))
}

/// The arguments that the workspace's formula names.
pub(crate) fn twin(function: &Function) -> Vec<&Argument> {
    let mut names = Vec::new();
    variables(formula(function).cloned().unwrap_or_default(), &mut names);
    function.arguments.iter().filter(|argument| names.contains(&argument.name)).collect()
}

/// The words that stand for a value, and not for a part of a path or a method.
fn variables(tokens: TokenStream, names: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_sign = |at: usize, signs: &[char]| {
        matches!(tokens.get(at), Some(TokenTree::Punct(sign)) if signs.contains(&sign.as_char()))
    };
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => variables(group.stream(), names),
            TokenTree::Ident(word) if !is_sign(at + 1, &[':']) && !(at > 0 && is_sign(at - 1, &[':', '.'])) => {
                names.push(word.to_string());
            }
            _ => {}
        }
    }
}

pub(crate) fn expand(function: &Function, argument: &Argument) -> Expanded {
    let mut made = Expanded::default();
    let Argument { name, kind, text, when, or_null, .. } = argument;
    let details: Vec<String> = argument.details.iter().map(TokenStream::to_string).collect();
    let scalar = if function.generic { "T" } else { "f64" };
    match kind.as_str() {
        "size" | "extent" | "samples" | "count" => {
            made.parameter(name, "usize", &format!("Kind::Number({kind:?})"));
            if !text.is_empty() {
                made.document("", name, "", text);
            }
        }
        "positive" | "finite" | "any" => {
            let unchecked = format!("<T as altmin_core::Real>::from_f64({name})");
            let (said, check) = match kind.as_str() {
                "positive" => ("above 0", format!("crate::codes::positive::<T>({name:?}, {name})?")),
                "finite" => ("finite", format!("crate::codes::finite::<T>({name:?}, {name})?")),
                _ => ("above 0", unchecked.clone()),
            };
            let kind = format!("Kind::Number({kind:?})");
            match when {
                None => {
                    made.parameter(name, "f64", &kind);
                    made.document("", name, said, text);
                    made.numbers = format!("let {name} = {check};");
                }
                Some(when) => {
                    made.conditional(name, "f64", &kind, &[when.described(function)], false);
                    let said = format!("{said} with {}; else not looked at", when.constant(function));
                    made.document("", name, &said, text);
                    let code = (&when.code, when.number(function));
                    made.conditions = format!("let {name}_counts = {} == {};", code.0, code.1);
                    made.numbers = format!("let {name} = if {name}_counts {{ {check} }} else {{ {unchecked} }};");
                }
            }
        }
        "activation" | "gradient_step" | "regularizer" | "closed_form" => {
            let [parameter] = &details[..] else { panic!("`{name}` needs the name of its parameter") };
            let of = code_type(kind).expect("a code");
            made.parameter(name, "i32", &format!("Kind::Code({kind:?})"));
            let (number, variants, said) = match kind.as_str() {
                "activation" => {
                    ("slope", &["LeakyRelu"][..], "of ALTMIN_ACTIVATION_LEAKY_RELU, 0 or above; else not looked at")
                }
                "gradient_step" => ("any", &["Tau"][..], "above 0 with ALTMIN_PREPARED_TAU; else not looked at"),
                _ => ("lambda", &["L1", "L2"][..], "0 or above; not looked at with ALTMIN_REGULARIZER_NONE"),
            };
            let code = |variant: &&str| (name.clone(), format!("crate::codes::{of}::{variant} as i32"));
            let when: Vec<_> = variants.iter().map(code).collect();
            made.conditional(parameter, "f64", &format!("Kind::Number({number:?})"), &when, false);
            made.document("", name, &format!("an {of}"), text);
            made.document("", parameter, said, "");
            made.numbers = format!("let {name} = crate::codes::{kind}::<T>({name}, {parameter})?;");
        }
        "step_rule" => {
            structure(&mut made, argument, "altmin_step_rule", &[]);
            made.document("", name, "the step rule", text);
            made.contents = format!("let {name} = crate::codes::step_rule::<{scalar}>({name})?;");
        }
        "structure" => {
            let when_described: Vec<_> = when.iter().map(|when| when.described(function)).collect();
            structure(&mut made, argument, &details[0], &when_described);
            match when {
                None => {
                    made.document("", name, text, "");
                    made.contents = format!("let {name} = {name}.checked({name:?})?;");
                }
                Some(when) => {
                    made.document("", name, &format!("with {} {text}; else not looked at", when.constant(function)), "");
                    let Condition { code, variant } = when;
                    made.contents = format!(
                        "let {name} = if matches!({code}, altmin_core::update::StepRule::{variant} {{ .. }}) {{
                            Some(unsafe {{ memory.structure({name:?}, {name}) }}?.checked({name:?})?)
                        }} else {{ None }};"
                    );
                    made.memory.clear();
                }
            }
        }
        "read" | "update" | "write" | "accumulate" => match &argument.details[..] {
            [_] => vector(&mut made, argument, &details[0]),
            details => matrix(&mut made, function, argument, details),
        },
        "classes" => {
            let samples = &details[0];
            made.parameter(name, "*const i32", "Kind::Classes");
            made.document("", name, &format!("{samples}, each from 0 to n_out - 1"), text);
            made.contents =
                format!("let {name} = unsafe {{ memory.classes({name:?}, {name}, {samples}) }}?;");
        }
        "target" => {
            let [classes, values, ld] = &details[..] else { panic!("`{name}` is classes, values and their ld") };
            let given_as = |number: &str| [(values.clone(), number.to_owned())];
            made.conditional(classes, "*const i32", "Kind::Classes", &given_as("0"), false);
            let shape = "Kind::Matrix(Access::Read, &[Shape { rows: \"n_out\", columns: \"m\", when: None }])";
            made.conditional(values, "*const T", shape, &given_as("1"), false);
            made.conditional(ld, "usize", "Kind::LeadingDimension", &given_as("1"), false);
            made.document("", classes, "m, each from 0 to n_out - 1; or NULL", "");
            let said = "n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is 0 \
                        or above and adds up to 1 within 0.001";
            made.document("", values, said, "");
            made.contents = format!(
                "let {name} = unsafe {{
                    crate::boundary::target(memory, loss, n_out, m, {classes}, {values}, {ld})
                }}?;"
            );
        }
        "workspace" => {
            made.parameter(name, "*mut core::ffi::c_void", "Kind::Workspace");
            made.parameter(&format!("{name}_size"), "usize", "Kind::WorkspaceSize");
            made.memory = format!("let {name} = unsafe {{ memory.workspace::<T>({name}, {name}_size) }}?;");
        }
        code => {
            let of = code_type(code).unwrap_or_else(|| panic!("{}: `{code}` is no kind", function.name));
            made.parameter(name, "i32", &format!("Kind::Code({kind:?})"));
            made.document("", name, &format!("an {of}"), text);
            // There may be two of them.
            let named = if code == "transpose" { format!("{name:?}, ") } else { String::new() };
            made.numbers = format!("let {name} = crate::codes::{code}({named}{name})?;");
        }
    }
    if *or_null && !matches!(kind.as_str(), "read") {
        panic!("{}: `{name}` cannot be NULL", function.name);
    }
    made
}

/// Where a result goes.
pub(crate) fn expand_result(result: &Argument) -> Expanded {
    let mut made = Expanded::default();
    let Argument { name, kind, text, or_null, .. } = result;
    let rust = if kind.starts_with("altmin_") { format!("self::{kind}") } else { kind.clone() };
    let size = format!("Kind::Result(size_of::<{rust}>())");
    made.conditional(name, &format!("*mut {rust}"), &size, &[], *or_null);
    made.document("[out]", name, text, "");
    let check = if *or_null { "result" } else { "required" };
    made.memory = format!("let {name} = unsafe {{ memory.{check}({name:?}, {name}) }}?;");
    made
}

fn structure(made: &mut Expanded, argument: &Argument, of: &str, when: &[(String, String)]) {
    let name = &argument.name;
    let (rust, short) = match of {
        "altmin_step_rule" => ("crate::codes::altmin_step_rule".to_owned(), of),
        other => (format!("self::{other}"), of),
    };
    let kind = format!("Kind::Structure({short:?}, size_of::<{rust}>())");
    made.conditional(name, &format!("*const {rust}"), &kind, when, false);
    made.memory = format!("let {name} = unsafe {{ memory.structure({name:?}, {name}) }}?;");
}

/// The pointer, `@param`'s direction, the variant of `Access`, and the method of `Memory`.
fn access(kind: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    match kind {
        "read" => ("*const T", "", "Read", ""),
        "write" => ("*mut T", "[out]", "Write", "_out"),
        _ => ("*mut T", "[in,out]", "Update", "_mut"),
    }
}

fn vector(made: &mut Expanded, argument: &Argument, length: &str) {
    let Argument { name, kind, text, .. } = argument;
    let (pointer, direction, access, method) = access(kind);
    made.parameter(name, pointer, &format!("Kind::Vector(Access::{access}, {length:?})"));
    let (said, elements) = match length {
        "sums" => {
            ("altmin_sums_elements of them", "altmin_core::update::sums::SumsShape { n_out, n_in }.elements()")
        }
        length => (length, length),
    };
    made.document(direction, name, said, text);
    made.memory = format!("let {name} = unsafe {{ memory.vector{method}({name:?}, {name}, {elements}) }}?;");
}

fn matrix(made: &mut Expanded, function: &Function, argument: &Argument, details: &[TokenStream]) {
    let Argument { name, kind, text, or_null, .. } = argument;
    let (pointer, direction, access, method) = access(kind);
    let with_beta = usize::from(kind == "accumulate");
    let (shapes_of, rest) = details.split_at(details.len() - 1 - with_beta);
    let shapes: Vec<_> = shapes_of.iter().cloned().flat_map(shapes).collect();
    let ld = &rest[0].to_string();

    let (mut described, mut when, mut said, mut choice) = (String::new(), Vec::new(), String::new(), String::new());
    for shape in &shapes {
        let (rows, columns) = (&shape.rows, &shape.columns);
        let comma = if said.is_empty() { "" } else { ", " };
        let condition = match &shape.when {
            None => {
                let otherwise = if said.is_empty() { "" } else { "else " };
                said += &format!("{comma}{otherwise}{rows} x {columns}");
                choice += &format!("{{ Some(({rows}, {columns})) }}");
                "None".to_owned()
            }
            Some(condition) => {
                said += &format!("{comma}{rows} x {columns} with {}", condition.constant(function));
                let number = condition.number(function);
                choice += &format!("if {} == {number} {{ Some(({rows}, {columns})) }} else ", condition.code);
                when.push(condition.described(function));
                format!("Some(Condition {{ argument: {:?}, code: {number} }})", condition.code)
            }
        };
        described += &format!("Shape {{ rows: {rows:?}, columns: {columns:?}, when: {condition} }},");
    }
    let last = shapes.last().expect("a shape");
    let always = last.when.is_none();
    let mut text = text.clone();
    if always {
        when.clear();
    } else {
        choice += "{ None }";
        text += &format!("; else not looked at, nor {ld}");
    }
    if *or_null {
        text += &format!("; or NULL, and then {ld} is not looked at");
    }
    made.conditional(name, pointer, &format!("Kind::Matrix(Access::{access}, &[{described}])"), &when, *or_null);
    made.conditional(ld, "usize", "Kind::LeadingDimension", &when, false);
    made.document(direction, name, &said, &text);

    let take = |rows: &str, columns: &str| match rest.get(1) {
        // With a beta of 0 it does not matter what the matrix holds.
        Some(beta) => format!(
            "if {beta} == <T as altmin_core::Real>::ZERO {{
                unsafe {{ memory.matrix_out({name:?}, {name}, {rows}, {columns}, {ld}) }}?
            }} else {{ unsafe {{ memory.matrix_mut({name:?}, {name}, {rows}, {columns}, {ld}) }}? }}"
        ),
        None => format!("unsafe {{ memory.matrix{method}({name:?}, {name}, {rows}, {columns}, {ld}) }}?"),
    };
    if shapes.len() == 1 && always {
        let taken = take(&last.rows, &last.columns);
        made.memory = match or_null {
            true => format!("let {name} = if {name}.is_null() {{ None }} else {{ Some({taken}) }};"),
            false => format!("#[allow(unused_mut)] let mut {name} = {taken};"),
        };
    } else {
        made.conditions = format!("let {name}_shape: Option<(usize, usize)> = {choice};");
        let taken = take("rows", "columns");
        made.memory = format!(
            "#[allow(unused_mut)]
            let mut {name} = match {name}_shape {{ Some((rows, columns)) => Some({taken}), None => None }};"
        );
        if always {
            made.memory = format!(
                "let (rows, columns) = {name}_shape.unwrap_or_default();
                #[allow(unused_mut)] let mut {name} = {taken};"
            );
        }
    }
}
