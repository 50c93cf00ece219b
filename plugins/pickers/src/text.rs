//! Text as people write it, made comparable.
//!
//! Does: ignore case, accents, punctuation and width, so that "FRANÇAIS" and "francais" are one.
//! Does not: transliterate; "Ελληνικά" and "Ellinika" stay two.

use unicode_normalization::UnicodeNormalization;

/// Returns the text in small letters without accents, its words separated by one space.
pub(crate) fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|letter| !is_ignored(*letter)).nfc().flat_map(char::to_lowercase).collect();
    let mut folded = String::with_capacity(plain.len());
    for word in plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Accents, and the invisible marks of writing direction that lists of native names are full of.
fn is_ignored(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// Returns whether the text is written without spaces between words, so that whole words cannot be told apart.
pub(crate) fn is_unspaced(text: &str) -> bool {
    text.chars().any(|letter| matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_width_and_punctuation_are_ignored() {
        for (written, folded) in [
            ("FRANÇAIS", "francais"),
            ("  Signs & Songs ", "signs songs"),
            ("[CC]", "cc"),
            ("ＥＮＧＬＩＳＨ", "english"),
            ("日本語", "日本語"),
            ("コメンタリー・ガイド", "コメンタリー ガイド"),
            ("한국어", "한국어"),
            ("", ""),
            ("!?", ""),
        ] {
            assert_eq!(fold(written), folded, "{written}");
        }
    }

    #[test]
    fn folding_what_is_folded_changes_nothing() {
        for text in ["Türkçe", "русский", "ελληνικά", "ไทย", "हिन्दी", "Straße", "İstanbul"]
        {
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }
}
