//! Marketo's field types and which text each takes.

use std::str::FromStr;

use serde::Deserialize;

/// The type of a field, as the describe calls name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DataType {
    String,
    Text,
    Email,
    Phone,
    Url,
    Integer,
    Score,
    Percent,
    Float,
    Currency,
    Boolean,
    Date,
    Datetime,
    Reference,
}

/// Whether a value fits a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Good,
    /// Of another type.
    WrongType,
    /// Over the field's length.
    TooLong,
    /// Not an address; Marketo imports the row and warns (D, O).
    BadEmail,
}

/// Bytes of a text area (D: field types).
const TEXT_BYTES: usize = 30_000;

impl DataType {
    /// The type's name in a describe call.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Text => "text",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Integer => "integer",
            Self::Score => "score",
            Self::Percent => "percent",
            Self::Float => "float",
            Self::Currency => "currency",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Reference => "reference",
        }
    }

    /// Whether the describe calls give a length for it.
    pub(super) const fn has_length(self) -> bool {
        matches!(
            self,
            Self::String | Self::Text | Self::Email | Self::Phone | Self::Url
        )
    }

    /// Whether `value` fits; `length` is in characters. An empty value fits
    /// every type: the database writes it as null (D, of the sync API).
    pub(super) fn fit(self, value: &[u8], length: usize) -> Fit {
        if value.is_empty() {
            return Fit::Good;
        }
        let text = || std::str::from_utf8(value).ok();
        let typed = |good: bool| if good { Fit::Good } else { Fit::WrongType };
        match self {
            Self::Text if value.len() > TEXT_BYTES => Fit::TooLong,
            Self::Text | Self::Reference => Fit::Good,
            Self::String | Self::Phone | Self::Url => within(value, length),
            Self::Email => match within(value, length) {
                Fit::Good if !text().is_some_and(is_email) => Fit::BadEmail,
                fit => fit,
            },
            Self::Integer | Self::Score | Self::Percent => {
                typed(text().is_some_and(|text| i32::from_str(text).is_ok()))
            }
            Self::Float | Self::Currency => typed(text().is_some_and(is_decimal)),
            Self::Boolean => typed(
                [&b"true"[..], b"false", b"1", b"0"]
                    .iter()
                    .any(|word| value.eq_ignore_ascii_case(word)),
            ),
            Self::Date => typed(text().is_some_and(is_date)),
            Self::Datetime => typed(text().is_some_and(is_datetime)),
        }
    }
}

/// Counts characters only where bytes alone do not settle it.
fn within(value: &[u8], length: usize) -> Fit {
    let characters = || value.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
    if value.len() <= length || characters() <= length {
        Fit::Good
    } else {
        Fit::TooLong
    }
}

/// ASCII only (D), one `@` with something on both sides, a dot in the domain.
/// Marketo's own rule is not documented (I).
fn is_email(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    plain
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
}

/// `10.4` and `10.40` (D); "inf" and "nan", which Rust would read, are none.
fn is_decimal(text: &str) -> bool {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    plain && f64::from_str(text).is_ok_and(f64::is_finite)
}

/// `2010-05-07` (D).
fn is_date(text: &str) -> bool {
    text.len() == 10 && jiff::civil::Date::from_str(text).is_ok()
}

/// W3C and ISO 8601, `2010-05-07T15:41:32-05:00` (D); without an offset, or a
/// bare date (O), it is taken as well.
fn is_datetime(text: &str) -> bool {
    jiff::Timestamp::from_str(text).is_ok() || jiff::civil::DateTime::from_str(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_takes_its_documented_form_and_no_other() {
        let good = [
            (DataType::Integer, "10"),
            (DataType::Percent, "30"),
            (DataType::Float, "10.4"),
            (DataType::Currency, "-10.40"),
            (DataType::Boolean, "True"),
            (DataType::Date, "2010-05-07"),
            (DataType::Datetime, "2010-05-07T15:41:32-05:00"),
            (DataType::Datetime, "2010-05-07"),
            (DataType::Email, "a.b+c@example.co.uk"),
            (DataType::Integer, ""),
        ];
        for (data_type, value) in good {
            assert_eq!(data_type.fit(value.as_bytes(), 255), Fit::Good, "{value}");
        }
        let wrong = [
            (DataType::Integer, "10.5"),
            (DataType::Integer, " 1"),
            (DataType::Integer, "2147483648"),
            (DataType::Float, "inf"),
            (DataType::Float, "1,5"),
            (DataType::Boolean, "yes"),
            (DataType::Date, "2010-02-30"),
            (DataType::Date, "05/07/2010"),
            (DataType::Datetime, "noon"),
        ];
        for (data_type, value) in wrong {
            assert_eq!(
                data_type.fit(value.as_bytes(), 255),
                Fit::WrongType,
                "{value}"
            );
        }
        for value in [
            "abcds",
            "INVALID_EMAIL",
            "a@b",
            "a@@b.co",
            "ü@b.co",
            "a b@c.co",
        ] {
            let fit = DataType::Email.fit(value.as_bytes(), 255);
            assert_eq!(fit, Fit::BadEmail, "{value}");
        }
    }

    #[test]
    fn lengths_are_characters_and_text_areas_are_bytes() {
        let fit = |data_type: DataType, text: String| data_type.fit(text.as_bytes(), 255);
        assert_eq!(fit(DataType::String, "ü".repeat(255)), Fit::Good);
        assert_eq!(fit(DataType::String, "u".repeat(256)), Fit::TooLong);
        assert_eq!(fit(DataType::Text, "ü".repeat(15_000)), Fit::Good);
        assert_eq!(fit(DataType::Text, "ü".repeat(15_001)), Fit::TooLong);
    }
}
