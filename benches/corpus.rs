//! Inputs like the exports that people import, made from a seed, with their
//! rows known.

use std::io::Write;

use fastrand::Rng;

/// A sort of input, named after what makes it hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Leads without a quote.
    Plain,
    /// Leads with every text quoted, some texts with commas and `""`.
    Quoted,
    /// The same, with newlines in a text of every row.
    Multiline,
    /// Leads with inch marks in unquoted text, in one row of ten.
    StrayQuotes,
    /// Rows of 300 short columns.
    Wide,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Plain,
        Self::Quoted,
        Self::Multiline,
        Self::StrayQuotes,
        Self::Wide,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Quoted => "quoted",
            Self::Multiline => "multiline",
            Self::StrayQuotes => "stray_quotes",
            Self::Wide => "wide",
        }
    }
}

/// An input and what is known of it from its making.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Corpus {
    pub(crate) bytes: Vec<u8>,
    /// Records, the header included.
    pub(crate) records: u64,
    /// `\n` bytes, inside quotes too.
    pub(crate) newlines: u64,
}

impl Corpus {
    /// An input of about `length` bytes, never less.
    pub(crate) fn generate(kind: Kind, length: usize, seed: u64) -> Self {
        let mut writer = Writer {
            rng: Rng::with_seed(seed),
            corpus: Self {
                bytes: Vec::with_capacity(length + 4096),
                records: 0,
                newlines: 0,
            },
        };
        writer.header(kind);
        while writer.corpus.bytes.len() < length {
            writer.row(kind);
        }
        writer.corpus
    }
}

const WIDE_COLUMNS: u64 = 300;
const FIRST_NAMES: [&str; 8] = [
    "Ada", "Grace", "Linus", "Margaret", "Edsger", "Barbara", "Alan", "Jürgen",
];
const LAST_NAMES: [&str; 8] = [
    "Lovelace", "Hopper", "Torvalds", "Hamilton", "Dijkstra", "Liskov", "Turing", "Weiß",
];
const COMPANIES: [&str; 6] = [
    "Example Corp",
    "Initech",
    "Globex International",
    "Umbrella",
    "Hooli",
    "Vandelay Industries",
];
const TITLES: [&str; 5] = [
    "VP Marketing",
    "Engineer",
    "Head of Demand Generation",
    "CFO",
    "Plant Manager",
];
const COUNTRIES: [&str; 4] = ["Germany", "United States", "France", "Japan"];

struct Writer {
    rng: Rng,
    corpus: Corpus,
}

impl Writer {
    fn header(&mut self, kind: Kind) {
        if kind == Kind::Wide {
            for column in 1..WIDE_COLUMNS {
                self.put(format_args!("field{column},"));
            }
            self.put(format_args!("field{WIDE_COLUMNS}"));
        } else {
            self.put(format_args!(
                "id,email,firstName,lastName,company,title,country,phone"
            ));
        }
        self.end();
    }

    fn row(&mut self, kind: Kind) {
        if kind == Kind::Wide {
            for column in 1..=WIDE_COLUMNS {
                let value = self.rng.u32(..100_000);
                match value % 4 {
                    0 => {}
                    1 => self.put(format_args!("{value}")),
                    _ => self.put(format_args!("v{value:06}")),
                }
                if column < WIDE_COLUMNS {
                    self.put(format_args!(","));
                }
            }
            self.end();
            return;
        }
        let id = self.rng.u32(..100_000_000);
        let first = self.one_of(&FIRST_NAMES);
        let last = self.one_of(&LAST_NAMES);
        let company = self.one_of(&COMPANIES);
        let title = self.one_of(&TITLES);
        let country = self.one_of(&COUNTRIES);
        let phone = self.rng.u32(1_000_000..10_000_000);
        match kind {
            Kind::Plain => self.put(format_args!(
                "{id},{first}.{last}{id}@example.com,{first},{last},{company},{title},{country},+49 {phone}"
            )),
            Kind::StrayQuotes => {
                let size = if self.rng.u8(..10) == 0 { " 5\" pipe" } else { "" };
                self.put(format_args!(
                    "{id},{first}.{last}{id}@example.com,{first},{last},{company}{size},{title},{country},+49 {phone}"
                ));
            }
            Kind::Quoted => {
                let legal = self.one_of(&["", "", ", Inc.", " \"\"Group\"\""]);
                self.put(format_args!(
                    "{id},\"{first}.{last}{id}@example.com\",\"{first}\",\"{last}\",\"{company}{legal}\",\"{title}\",\"{country}\",\"+49 {phone}\""
                ));
            }
            Kind::Multiline => {
                let floor = self.rng.u8(1..40);
                self.corpus.newlines += 1;
                self.put(format_args!(
                    "{id},\"{first}.{last}{id}@example.com\",\"{first}\",\"{last}\",\"{company}\nFloor {floor}\",\"{title}\",\"{country}\",\"+49 {phone}\""
                ));
            }
            Kind::Wide => {}
        }
        self.end();
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.rng.usize(..texts.len())]
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.corpus.bytes.write_fmt(text).unwrap();
    }

    fn end(&mut self) {
        self.corpus.bytes.push(b'\n');
        self.corpus.records += 1;
        self.corpus.newlines += 1;
    }
}
