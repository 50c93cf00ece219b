//! Languages that ISO 639-3 counts as one and as several: "Norwegian" is Bokmål and Nynorsk, "Chinese" is Mandarin and Cantonese.

use isolang::Language as Base;

/// Returns whether `member` is one of the languages that the macrolanguage `of` stands for.
pub(super) fn is_member(member: Base, of: Base) -> bool {
    FAMILIES.iter().any(|(macrolanguage, members)| *macrolanguage == of && members.contains(&member))
}

/// Macrolanguages that have a two-letter code, with those of their members that films are made in.
const FAMILIES: [(Base, &[Base]); 20] = [
    (Base::Ara, &[Base::Arb, Base::Arz, Base::Apc, Base::Ary, Base::Arq, Base::Acm, Base::Afb, Base::Aeb]),
    (Base::Aze, &[Base::Azj, Base::Azb]),
    (Base::Est, &[Base::Ekk, Base::Vro]),
    (Base::Fas, &[Base::Pes, Base::Prs]),
    (Base::Hbs, &[Base::Srp, Base::Hrv, Base::Bos, Base::Cnr]),
    (Base::Kur, &[Base::Kmr, Base::Ckb, Base::Sdh]),
    (Base::Lav, &[Base::Lvs, Base::Ltg]),
    (Base::Mlg, &[Base::Plt]),
    (Base::Mon, &[Base::Khk]),
    (Base::Msa, &[Base::Zsm, Base::Zlm]),
    (Base::Nep, &[Base::Npi]),
    (Base::Nor, &[Base::Nob, Base::Nno]),
    (Base::Ori, &[Base::Ory]),
    (Base::Orm, &[Base::Gaz]),
    (Base::Pus, &[Base::Pbt, Base::Pbu, Base::Pst]),
    (Base::Sqi, &[Base::Als, Base::Aln]),
    (Base::Swa, &[Base::Swh, Base::Swc]),
    (Base::Uzb, &[Base::Uzn, Base::Uzs]),
    (Base::Yid, &[Base::Ydd, Base::Yih]),
    (Base::Zho, &[Base::Cmn, Base::Yue, Base::Nan, Base::Wuu, Base::Hak]),
];
