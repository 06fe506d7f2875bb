//! Why a token, a key or a claim is not taken. The texts are for operators; whoever sent a token is told
//! only what kind of thing was wrong, and that is left to the caller.

/// A token, or something in it, is refused. No variant holds anything of the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The text is too long to be looked at.
    #[error("it is longer than it may be")]
    TooLong,
    /// RFC 7515, section 7.1: a compact form has three parts.
    #[error("it does not have exactly three parts")]
    Parts,
    /// RFC 7515, section 2: base64url without padding, one text for each value.
    #[error("a part is not base64url without padding")]
    Encoding,
    /// The bytes are no JSON, or something stands after it.
    #[error("it is not JSON")]
    Json,
    /// The JSON is something else than an object.
    #[error("it is not a JSON object")]
    NoObject,
    /// RFC 7515, section 4 and RFC 7519, section 4: names of members are unique.
    #[error("a JSON object has a member twice")]
    RepeatedMember,
    /// Objects and arrays stand too deep in each other.
    #[error("its JSON is nested too deeply")]
    TooDeep,
    /// A header member that changes what the token means, and that is not understood here.
    #[error("the header has the member `{0}`, which is not supported")]
    HeaderMember(&'static str),
    /// A header member of the wrong type.
    #[error("the header member `{0}` has the wrong type")]
    HeaderType(&'static str),
    /// The algorithm is missing, unknown here (`none` and `HS256` among others), or not allowed for this use.
    #[error("the algorithm of the signature is not allowed")]
    Algorithm,
    /// RFC 8725, section 3.11: a token of one kind is not taken for another.
    #[error("it is a token of another type")]
    Type,
    /// A token that has to be verified by keys known before brings one of its own.
    #[error("the token brings a key of its own")]
    OwnKey,
    /// A token that has to bring its key does not.
    #[error("the token brings no key")]
    NoOwnKey,
    /// None of the keys has the identifier of the header, and fits its algorithm.
    #[error("there is no key for this signature")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The claim is required.
    #[error("the claim `{0}` is missing")]
    ClaimMissing(&'static str),
    /// The claim is of the wrong type.
    #[error("the claim `{0}` has the wrong type")]
    ClaimType(&'static str),
    /// The claim does not say what it has to: for those who know what that is.
    #[error("the claim `{0}` says something else than it has to")]
    ClaimValue(&'static str),
    /// RFC 7519, section 4.1.4.
    #[error("it has expired")]
    Expired,
    /// RFC 7519, section 4.1.5, and an `iat` that lies ahead.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It would be valid for longer than is allowed.
    #[error("it is valid for too long")]
    LivesTooLong,
    /// RFC 7517, section 5: a set is an object whose member `keys` is an array.
    #[error("it is not a set of keys: `keys` is no array")]
    NoKeySet,
    /// A set in which no key can be used.
    #[error("there is no key in it that verifies signatures")]
    NoUsableKey,
    /// Two keys of a set cannot be told apart.
    #[error("two keys of one type have the same `kid`")]
    RepeatedKeyId,
    /// A key of a set is refused; counted from one.
    #[error("key {number}: {refused}")]
    Key {
        /// Which key of the set.
        number: usize,
        /// Why.
        refused: KeyRefused,
    },
    /// The key in a header is refused.
    #[error("the key in the header: {0}")]
    HeaderKey(KeyRefused),
}

impl JoseError {
    /// The word for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Parts => "parts",
            Self::Encoding => "encoding",
            Self::Json => "json",
            Self::NoObject => "no-object",
            Self::RepeatedMember => "repeated-member",
            Self::TooDeep => "too-deep",
            Self::HeaderMember(_) => "header-member",
            Self::HeaderType(_) => "header-type",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::OwnKey => "own-key",
            Self::NoOwnKey => "no-own-key",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::ClaimMissing(_) => "claim-missing",
            Self::ClaimType(_) => "claim-type",
            Self::ClaimValue(_) => "claim-value",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::LivesTooLong => "lives-too-long",
            Self::NoKeySet => "no-key-set",
            Self::NoUsableKey => "no-usable-key",
            Self::RepeatedKeyId => "repeated-key-id",
            Self::Key { refused, .. } | Self::HeaderKey(refused) => refused.code(),
        }
    }
}

/// A JSON Web Key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// It is no JSON object.
    #[error("it is not a JSON object")]
    NoObject,
    /// Whoever sends a private key has lost it; a symmetric key is no public key.
    #[error("it has members of a private or symmetric key")]
    Private,
    /// RFC 7517, section 4.1: neither RSA, EC nor OKP.
    #[error("its `kty` is not supported: `RSA`, `EC` and `OKP` are")]
    Type,
    /// RFC 7518, section 6.2.1.1 and RFC 8037, section 2.
    #[error("its `crv` is not supported: `P-256`, `P-384` and `Ed25519` are")]
    Curve,
    /// RFC 7517, section 4.2.
    #[error("its `use` is not `sig`")]
    Use,
    /// RFC 7517, section 4.3.
    #[error("its `key_ops` are not those of a key that verifies")]
    Operations,
    /// RFC 7517, section 4.4.
    #[error("its `alg` is not supported, or not one of its type")]
    Algorithm,
    /// RFC 7518, section 3.3: at least 2048 bits; more than 8192 cost too much time.
    #[error("its modulus does not have 2048 to 8192 bits")]
    Size,
    /// An exponent below 65537 invites attacks on weak padding; an even one is none.
    #[error("its exponent is not an odd number from 65537 up, of at most 33 bits")]
    Exponent,
    /// A member is missing, of the wrong type, or not written as RFC 7518, section 6 wants it.
    #[error("its member `{0}` is missing or damaged")]
    Member(&'static str),
    /// The numbers are no point on the curve, or the cryptographic library wants none of the key.
    #[error("its numbers do not make a key")]
    Damaged,
}

impl KeyRefused {
    /// The word for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoObject => "key-no-object",
            Self::Private => "key-private",
            Self::Type => "key-type",
            Self::Curve => "key-curve",
            Self::Use => "key-use",
            Self::Operations => "key-operations",
            Self::Algorithm => "key-algorithm",
            Self::Size => "key-size",
            Self::Exponent => "key-exponent",
            Self::Member(_) => "key-member",
            Self::Damaged => "key-damaged",
        }
    }
}
