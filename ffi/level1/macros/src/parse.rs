//! Reads descriptions.

use std::iter::Peekable;

use proc_macro::{Delimiter, Group, TokenStream, TokenTree, token_stream};

/// The description of a function.
pub(crate) struct Function {
    /// Doc comments, as attributes.
    pub(crate) documentation: TokenStream,
    pub(crate) name: String,
    /// Whether it exists for float and for double.
    pub(crate) generic: bool,
    /// Whether it tells the bytes of a workspace.
    pub(crate) query: bool,
    /// Whether products of its sizes must fit into memory.
    pub(crate) room: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) results: Vec<Argument>,
    pub(crate) body: Group,
}

/// The description of an argument, or of a result, whose kind is its type.
#[derive(Clone, Default)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// What is in the parentheses of the kind, between commas.
    pub(crate) details: Vec<TokenStream>,
    /// The code and its variant with which alone the argument is used.
    pub(crate) when: Option<Condition>,
    pub(crate) or_null: bool,
    pub(crate) text: String,
}

/// A code has this variant.
#[derive(Clone)]
pub(crate) struct Condition {
    pub(crate) code: String,
    pub(crate) variant: String,
}

/// Rows and columns of a matrix, for a code's variant alone or always.
pub(crate) struct Shape {
    pub(crate) rows: String,
    pub(crate) columns: String,
    pub(crate) when: Option<Condition>,
}

/// Tokens to be taken one by one.
struct Tokens(Peekable<token_stream::IntoIter>);

impl Tokens {
    fn new(tokens: TokenStream) -> Self {
        Self(tokens.into_iter().peekable())
    }

    fn is_empty(&mut self) -> bool {
        self.0.peek().is_none()
    }

    fn next(&mut self, expected: &str) -> TokenTree {
        self.0.next().unwrap_or_else(|| panic!("the description ends, expected {expected}"))
    }

    fn word(&mut self) -> String {
        match self.next("a word") {
            TokenTree::Ident(word) => word.to_string(),
            other => panic!("`{other}`, expected a word"),
        }
    }

    /// Takes the next token if it is this word or sign.
    fn take(&mut self, wanted: &str) -> bool {
        let found = self.0.next_if(|token| match token {
            TokenTree::Group(_) => false,
            other => other.to_string() == wanted,
        });
        found.is_some()
    }

    fn require(&mut self, wanted: &str) {
        assert!(self.take(wanted), "`{}`, expected `{wanted}`", self.next(wanted));
    }

    /// Takes what is in the parentheses that come next, if some come.
    fn group(&mut self, delimiter: Delimiter) -> Option<Group> {
        let is_one =
            |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter);
        match self.0.next_if(is_one) {
            Some(TokenTree::Group(group)) => Some(group),
            _ => None,
        }
    }

    /// `if code = Variant`, if it comes.
    fn when(&mut self) -> Option<Condition> {
        self.take("if").then(|| {
            let code = self.word();
            self.require("=");
            Condition { code, variant: self.word() }
        })
    }

    /// `or NULL`, if it comes.
    fn or_null(&mut self) -> bool {
        let is_there = self.take("or");
        if is_there {
            self.require("NULL");
        }
        is_there
    }

    /// A text in quotes, if one comes.
    fn text(&mut self) -> String {
        let Some(literal) = self.0.next_if(|token| matches!(token, TokenTree::Literal(_))) else {
            return String::new();
        };
        let literal = literal.to_string();
        let text =
            literal.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("a text in quotes");
        // It may go on in the next line.
        text.replace("\\\n", " ")
    }

    /// Arguments with commas between them.
    fn arguments(&mut self) -> Vec<Argument> {
        let mut arguments = Vec::new();
        while !self.is_empty() {
            arguments.push(self.argument());
            if !self.take(",") {
                break;
            }
        }
        arguments
    }

    /// `name: kind(details) if code = Variant or NULL "text"`.
    fn argument(&mut self) -> Argument {
        let name = self.word();
        self.require(":");
        let kind = self.word();
        let details = self.group(Delimiter::Parenthesis).map(|group| group.stream());
        let details = match kind.as_str() {
            // A formula has commas of its own.
            "workspace" => details.into_iter().collect(),
            _ => details.map(split).unwrap_or_default(),
        };
        Argument { name, kind, details, when: self.when(), or_null: self.or_null(), text: self.text() }
    }
}

/// Code as tokens.
pub(crate) fn parsed(code: &str) -> TokenStream {
    code.parse().unwrap_or_else(|error| panic!("{error}: {code}"))
}

/// Between commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match token {
            TokenTree::Punct(ref sign) if sign.as_char() == ',' => parts.push(TokenStream::new()),
            token => parts.last_mut().expect("a part").extend([token]),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

pub(crate) fn functions(input: TokenStream) -> Vec<Function> {
    let mut tokens = Tokens::new(input);
    let mut functions = Vec::new();
    while !tokens.is_empty() {
        functions.push(function(&mut tokens));
    }
    functions
}

fn function(tokens: &mut Tokens) -> Function {
    let mut documentation = TokenStream::new();
    while tokens.take("#") {
        let attribute = tokens.group(Delimiter::Bracket).expect("an attribute");
        documentation.extend(parsed("#"));
        documentation.extend([TokenTree::Group(attribute)]);
    }
    tokens.require("fn");
    let name = tokens.word();
    let generic = tokens.take("<");
    if generic {
        tokens.require("T");
        tokens.require(">");
    }
    let inside = tokens.group(Delimiter::Parenthesis).expect("arguments in parentheses");
    let mut inside = Tokens::new(inside.stream());
    let arguments = inside.arguments();
    assert!(inside.is_empty(), "{name}: `{}`, expected a comma", inside.next("nothing"));
    let mut results = Vec::new();
    if tokens.take("-") {
        tokens.require(">");
        results = tokens.arguments();
    }
    let body = tokens.group(Delimiter::Brace).expect("a body in braces");
    Function { documentation, name, generic, query: false, room: false, arguments, results, body }
}

/// `rows x columns if code = Variant else rows x columns`.
pub(crate) fn shapes(tokens: TokenStream) -> Vec<Shape> {
    let mut tokens = Tokens::new(tokens);
    let mut shapes = Vec::new();
    loop {
        let rows = tokens.word();
        tokens.require("x");
        shapes.push(Shape { rows, columns: tokens.word(), when: tokens.when() });
        if !tokens.take("else") {
            break shapes;
        }
    }
}
