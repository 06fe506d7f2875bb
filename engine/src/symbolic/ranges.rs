//! An address that a solver chooses may be a whole range; that of a request is a single address. No condition
//! says so as it is, but a range that holds none of those that policies ask for is told apart from none of its
//! addresses.

use ipnet::IpNet;

/// That the address holds no more than one address of this range.
pub(super) fn is_no_range_around(range: &IpNet) -> String {
    let around = format!("ip(\"{range}\").isInRange(context.address)");
    if range.prefix_len() == range.max_prefix_len() {
        let inside = within(range);
        format!("if context has address && {around} then {inside} else true")
    } else {
        format!("if context has address then !{around} else true")
    }
}

/// That the address is in the range, as a condition.
pub(super) fn within(range: &IpNet) -> String {
    format!("context.address.isInRange(ip(\"{range}\"))")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_around_a_range_and_a_single_one_may_be_itself() {
        let said = |range: &str| is_no_range_around(&range.parse().unwrap());
        assert_eq!(
            said("192.0.2.0/24"),
            "if context has address then !ip(\"192.0.2.0/24\").isInRange(context.address) else true"
        );
        assert_eq!(
            said("2001:db8::1/128"),
            "if context has address && ip(\"2001:db8::1/128\").isInRange(context.address) then context.address.isInRange(ip(\"2001:db8::1/128\")) else true"
        );
    }
}
