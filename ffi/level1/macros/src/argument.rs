//! What each kind of argument becomes.

use proc_macro::{TokenStream, TokenTree};

use crate::parse::{Argument, Condition, Function, shapes};

/// A parameter of the C function.
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Its type in Rust.
    pub(crate) rust: String,
    /// The `description::Argument` that tells the tests of it; of a struct that is passed as a value one for each field.
    pub(crate) description: String,
    /// What makes it of the values of a call in the tests.
    pub(crate) of_values: String,
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

/// The name of a code and a number in Rust: an argument is used only if the code is one of these, if there are any.
type When<'a> = &'a [(&'a str, String)];

/// What makes a parameter, or a field of one, of the next value of a call.
const NEXT_VALUE: &str = "argument(&mut values)";

/// The `description::Argument` of a parameter, or of a field of one.
fn described(name: &str, kind: &str, when: When<'_>, or_null: bool) -> String {
    let when = when.iter().map(|(name, code)| format!("Condition {{ argument: {name:?}, code: {code} }},"));
    let when: String = when.collect();
    format!("Argument {{ name: {name:?}, kind: Kind::{kind}, when: &[{when}], or_null: {or_null} }},")
}

impl Expanded {
    /// A parameter of the C function.
    fn pass(&mut self, name: &str, rust: &str, kind: &str, when: When<'_>, or_null: bool) {
        self.parameters.push(Parameter {
            name: name.into(),
            rust: rust.into(),
            description: described(name, kind, when, or_null),
            of_values: NEXT_VALUE.into(),
        });
    }

    fn structure(&mut self, name: &str, of: &str, when: When<'_>) {
        let last = of.rsplit("::").next().unwrap_or(of);
        self.pass(
            name,
            &format!("*const {of}"),
            &format!("Structure({last:?}, size_of::<{of}>())"),
            when,
            false,
        );
    }

    /// `@param`: what is known of the kind, and the description's text.
    fn document(&mut self, direction: &str, name: &str, said: &str, text: &str) {
        let colon = if said.is_empty() || text.is_empty() || text.starts_with(';') { "" } else { ": " };
        if !said.is_empty() || !text.is_empty() {
            self.documentation.push(format!("@param{direction} {name} {said}{colon}{text}"));
        }
    }
}

/// The enum whose codes a kind takes.
fn code_type(kind: &str) -> Option<String> {
    Some(match kind {
        "activation" | "dual" | "loss" | "order" | "parts" | "prepared" | "proximal" | "regularizer"
        | "solver" | "transpose" => format!("altmin_{kind}"),
        "closed_form" => "altmin_regularizer".into(),
        "gradient_step" | "inverse" => "altmin_prepared".into(),
        "step_rule" => "altmin_step".into(),
        _ => return None,
    })
}

/// A code's number in Rust; of a choice of the core it is in the core's table.
fn code_in_rust(of: &str, variant: &str) -> String {
    let choice = match of {
        "altmin_activation" => "altmin_core::Activation::<f64>",
        "altmin_loss" => "altmin_core::Loss",
        "altmin_regularizer" => "altmin_core::Regularizer::<f64>",
        "altmin_solver" => "altmin_core::OutputSolver",
        "altmin_step" => "altmin_core::update::StepRuleKind",
        _ => return format!("crate::codes::{of}::{variant} as i32"),
    };
    let mut word = String::new();
    for letter in variant.chars() {
        word += if letter.is_uppercase() && !word.is_empty() { "-" } else { "" };
        word.push(letter.to_ascii_lowercase());
    }
    format!("altmin_core::choice::code_of(<{choice} as altmin_core::Choice>::MEMBERS, {word:?})")
}

impl Condition {
    /// The code's number in Rust, and its name in C.
    fn spelled(&self, function: &Function) -> (String, String) {
        let argument = function.arguments.iter().find(|argument| argument.name == self.code);
        let of = argument.and_then(|argument| code_type(&argument.kind));
        let of = of.unwrap_or_else(|| panic!("{}: `{}` is no code", function.name, self.code));
        let mut constant = of.to_uppercase();
        for letter in self.variant.chars() {
            constant += if letter.is_uppercase() { "_" } else { "" };
            constant.push(letter.to_ascii_uppercase());
        }
        (code_in_rust(&of, &self.variant), constant)
    }
}

pub(crate) fn is_size(argument: &Argument) -> bool {
    matches!(argument.kind.as_str(), "size" | "extent" | "samples")
}

/// The words of a formula that stand for a value, and not for a part of a path or a method.
pub(crate) fn variables(formula: TokenStream, names: &mut Vec<String>) {
    let mut before = ' ';
    let mut tokens = formula.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let in_path = matches!(tokens.peek(), Some(TokenTree::Punct(sign)) if sign.as_char() == ':');
        match token {
            TokenTree::Group(ref group) => variables(group.stream(), names),
            TokenTree::Ident(ref word) if !in_path && !matches!(before, ':' | '.') => {
                names.push(word.to_string())
            }
            _ => {}
        }
        before = if let TokenTree::Punct(sign) = token { sign.as_char() } else { ' ' };
    }
}

/// Nothing that a description says may be without effect.
fn require_effect(function: &Function, argument: &Argument) {
    let Argument { name, kind, details, when, or_null, text } = argument;
    let kind = kind.as_str();
    let is_memory = matches!(kind, "read" | "update" | "write" | "accumulate");
    let counts = match kind {
        "gradient_step" | "regularizer" | "closed_form" | "structure" | "workspace" => 1..=1,
        "target" => 3..=3,
        _ if is_memory => 1..=usize::MAX,
        _ => 0..=0,
    };
    let has_effect = counts.contains(&details.len())
        && (when.is_none() || matches!(kind, "positive" | "finite" | "any" | "structure"))
        && (!or_null || is_memory && details.len() == 2)
        && (text.is_empty() || !matches!(kind, "target" | "workspace"));
    assert!(has_effect, "{}: the kind of `{name}` has no use for what is said of it", function.name);
}

pub(crate) fn expand(function: &Function, argument: &Argument) -> Expanded {
    require_effect(function, argument);
    let mut made = Expanded::default();
    let Argument { name, kind, text, when, .. } = argument;
    let details: Vec<String> = argument.details.iter().map(TokenStream::to_string).collect();
    // In a check `$` stands for the argument.
    let check = |check: &str| check.replace('$', name);
    match kind.as_str() {
        "size" | "extent" | "samples" | "count" => {
            made.pass(name, "usize", &format!("Number({kind:?})"), &[], false);
            made.document("", name, "", text);
        }
        "positive" | "finite" | "any" => {
            let mut said = match kind.as_str() {
                "finite" => "finite",
                // The core says what is in range.
                "any" if !text.is_empty() => "",
                _ => "above 0",
            }
            .to_owned();
            let number = format!("Number({kind:?})");
            let checked = check(&format!("crate::codes::{kind}::<T>(\"$\", $)?"));
            if let Some(when) = when {
                let (code, constant) = when.spelled(function);
                said += &format!(" with {constant}; otherwise ignored");
                made.conditions = check(&format!("let $_counts = {} == {code};", when.code));
                made.numbers =
                    check(&format!("let $ = if $_counts {{ {checked} }} else {{ T::from_f64($) }};"));
                made.pass(name, "f64", &number, &[(&when.code, code)], false);
            } else {
                made.numbers = check(&format!("let $ = {checked};"));
                made.pass(name, "f64", &number, &[], false);
            }
            made.document("", name, &said, text);
        }
        "activation" => {
            let slope = [(name.as_str(), code_in_rust("altmin_activation", "LeakyRelu"))];
            let of = "crate::codes::altmin_activation_fn";
            made.parameters.push(Parameter {
                name: name.clone(),
                rust: of.into(),
                description: described(name, "Code(\"activation\")", &[], false)
                    + &described(&check("$.slope"), "Number(\"slope\")", &slope, false),
                of_values: format!("{of} {{ kind: {NEXT_VALUE}, slope: {NEXT_VALUE} }}"),
            });
            made.document("", name, "the function f", text);
            made.numbers = check("let $ = crate::codes::activation::<T>($)?;");
        }
        "gradient_step" | "regularizer" | "closed_form" => {
            let (parameter, of) = (&details[0], code_type(kind).expect("a code"));
            let (number, variants, said) = match of.as_str() {
                "altmin_prepared" => {
                    ("any", &["Tau"][..], "above 0 with ALTMIN_PREPARED_TAU; otherwise ignored")
                }
                _ => ("lambda", &["L1", "L2"][..], "0 or above; ignored with ALTMIN_REGULARIZER_NONE"),
            };
            let when = variants.iter().map(|variant| (name.as_str(), code_in_rust(&of, variant)));
            made.pass(name, "i32", &format!("Code({kind:?})"), &[], false);
            made.pass(parameter, "f64", &format!("Number({number:?})"), &when.collect::<Vec<_>>(), false);
            made.document("", name, &format!("an {of}"), text);
            made.document("", parameter, said, "");
            made.numbers = check(&format!("let $ = crate::codes::{kind}::<T>($, {parameter})?;"));
        }
        "step_rule" => {
            let scalar = if function.generic { "T" } else { "f64" };
            made.structure(name, "crate::codes::altmin_step_rule", &[]);
            made.document("", name, "the step rule", text);
            made.memory = check("let $ = unsafe { memory.structure(\"$\", $) }?;");
            made.contents = check(&format!("let $ = crate::codes::step_rule::<{scalar}>($)?;"));
        }
        "structure" => {
            let taken = "unsafe { memory.structure(\"$\", $) }?";
            if let Some(when) = when {
                let (code, constant) = when.spelled(function);
                let Condition { code: rule, variant } = when;
                made.structure(name, &details[0], &[(rule, code)]);
                made.document("", name, &format!("with {constant} {text}; otherwise ignored"), "");
                made.contents = check(&format!(
                    "let $ = if matches!({rule}, altmin_core::update::StepRule::{variant}) {{
                        Some({taken}.checked(\"$\")?)
                    }} else {{ None }};"
                ));
            } else {
                made.structure(name, &details[0], &[]);
                made.document("", name, text, "");
                made.memory = check(&format!("let $ = {taken};"));
                made.contents = check("let $ = $.checked(\"$\")?;");
            }
        }
        "read" | "update" | "write" | "accumulate" if details.len() == 1 => {
            vector(&mut made, argument, &details[0])
        }
        "read" | "update" | "write" | "accumulate" => matrix(&mut made, function, argument),
        "classes" => {
            made.pass(name, "*const i32", "Classes", &[], false);
            made.document("", name, "m, each from 0 to n_out - 1", text);
            made.contents = check("let $ = unsafe { memory.classes(\"$\", $, m) }?;");
        }
        "target" => {
            let (classes, values, ld) = (&details[0], &details[1], &details[2]);
            let given = |number: &str| [(values.as_str(), number.to_owned())];
            let shape = "Matrix(Access::Read, &[Shape { rows: \"n_out\", columns: \"m\", when: None }])";
            made.pass(classes, "*const i32", "Classes", &given("0"), false);
            made.pass(values, "*const T", shape, &given("1"), false);
            made.pass(ld, "usize", "LeadingDimension", &given("1"), false);
            made.document("", classes, "m, each from 0 to n_out - 1; or NULL", "");
            let said = "n_out x m; or NULL. Exactly one of the two is given. With ALTMIN_LOSS_CROSS_ENTROPY a column is 0 \
                        or above and adds up to 1 within 0.001";
            made.document("", values, said, "");
            made.contents = check(&format!(
                "let $ = unsafe {{ crate::boundary::target(memory, loss, n_out, m, {classes}, {values}, {ld}) }}?;"
            ));
        }
        "workspace" => {
            made.pass(name, "*mut core::ffi::c_void", "Workspace", &[], false);
            made.pass(&check("$_size"), "usize", "WorkspaceSize", &[], false);
            made.memory = check("let $ = unsafe { memory.workspace::<T>($, $_size) }?;");
        }
        code => {
            let of = code_type(code).unwrap_or_else(|| panic!("{}: `{code}` is no kind", function.name));
            made.pass(name, "i32", &format!("Code({kind:?})"), &[], false);
            made.document("", name, &format!("an {of}"), text);
            made.numbers = check(&format!("let $ = crate::codes::{code}(\"$\", $)?;"));
        }
    }
    made
}

/// Where a result goes.
pub(crate) fn expand_result(result: &Argument) -> Expanded {
    let mut made = Expanded::default();
    let Argument { name, kind, details, when, or_null, text } = result;
    assert!(details.is_empty() && when.is_none(), "a result has a name, a type and a text, not so `{name}`");
    made.pass(name, &format!("*mut {kind}"), &format!("Result(size_of::<{kind}>())"), &[], *or_null);
    made.document("[out]", name, text, "");
    let method = if *or_null { "result" } else { "required" };
    made.memory = format!("let {name} = unsafe {{ memory.{method}({name:?}, {name}) }}?;");
    made
}

/// The pointer, `@param`'s direction, the variant of `Access`, and the end of the name of `Memory`'s method.
fn access(kind: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    match kind {
        "read" => ("*const T", "", "Read", ""),
        "write" => ("*mut T", "[out]", "Write", "_out"),
        "accumulate" => ("*mut T", "[in,out]", "Update", "_accumulated"),
        _ => ("*mut T", "[in,out]", "Update", "_mut"),
    }
}

fn vector(made: &mut Expanded, argument: &Argument, length: &str) {
    let Argument { name, kind, text, .. } = argument;
    let (pointer, direction, access, method) = access(kind);
    let (said, elements) = match length {
        "sums" => (
            "altmin_sums_elements of them",
            "altmin_core::update::sums::SumsShape { n_out, n_in }.elements()",
        ),
        length => (length, length),
    };
    made.pass(name, pointer, &format!("Vector(Access::{access}, {length:?})"), &[], false);
    made.document(direction, name, said, text);
    made.memory = format!("let {name} = unsafe {{ memory.vector{method}({name:?}, {name}, {elements}) }}?;");
}

fn matrix(made: &mut Expanded, function: &Function, argument: &Argument) {
    let Argument { name, kind, details, or_null, .. } = argument;
    let (pointer, direction, access, method) = access(kind);
    let mut details = details.clone();
    let beta = if kind == "accumulate" { details.pop() } else { None };
    let ld = details.pop().expect("a leading dimension").to_string();
    let shapes: Vec<_> = details.into_iter().flat_map(shapes).collect();
    // Without a shape that always holds there may be no matrix.
    let optional = *or_null || shapes.iter().all(|shape| shape.when.is_some());

    let (mut text, mut said, mut described, mut chosen) =
        (argument.text.clone(), Vec::new(), String::new(), String::new());
    let mut when = Vec::new();
    for shape in &shapes {
        let (rows, columns) = (&shape.rows, &shape.columns);
        let sizes =
            if optional { format!("Some(({rows}, {columns}))") } else { format!("({rows}, {columns})") };
        let mut condition = "None".to_owned();
        if let Some(of) = &shape.when {
            let (code, constant) = of.spelled(function);
            said.push(format!("{rows} x {columns} with {constant}"));
            chosen += &format!("if {} == {code} {{ {sizes} }} else ", of.code);
            condition = format!("Some(Condition {{ argument: {:?}, code: {code} }})", of.code);
            when.push((of.code.as_str(), code));
        } else {
            said.push(format!("{}{rows} x {columns}", if said.is_empty() { "" } else { "else " }));
            chosen += &if *or_null {
                format!("if !{name}.is_null() {{ {sizes} }} else ")
            } else {
                format!("{{ {sizes} }}")
            };
        }
        described += &format!("Shape {{ rows: {rows:?}, columns: {columns:?}, when: {condition} }},");
    }
    if optional {
        chosen += "{ None }";
        text += if *or_null { "; or NULL, and then " } else { "; otherwise ignored, as is " };
        text += &if *or_null { format!("{ld} is ignored") } else { ld.clone() };
    } else {
        when.clear();
    }
    made.pass(name, pointer, &format!("Matrix(Access::{access}, &[{described}])"), &when, *or_null);
    made.pass(&ld, "usize", "LeadingDimension", &when, false);
    made.document(direction, name, &said.join(", "), &text);

    let beta = beta.map_or(String::new(), |beta| format!(", {beta}"));
    let taken = format!("unsafe {{ memory.matrix{method}({name:?}, {name}, rows, columns, {ld}{beta}) }}?");
    made.conditions = format!("let {name}_shape = {chosen};");
    made.memory = match optional {
        true => format!(
            "let {name} = match {name}_shape {{ Some((rows, columns)) => Some({taken}), None => None }};"
        ),
        false => format!(
            "#[allow(unused_mut)] let mut {name} = {{ let (rows, columns) = {name}_shape; {taken} }};"
        ),
    };
}
