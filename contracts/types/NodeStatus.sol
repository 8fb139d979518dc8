// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Where a node stands. Expiry is no status: it is computed on read from the record's end of validity. None:
/// never registered. Registered: bonded, no attested key. Active: has an attested key. Revoked: its key was revoked
/// for ever, a new key may be attested. Exited: left by itself. Slashed: proven at fault. These two are final. Pending:
/// has a key by a committee's verdict that can still be challenged. Challenged: that verdict is under challenge.
enum NodeStatus {
    None,
    Registered,
    Active,
    Revoked,
    Exited,
    Slashed,
    Pending,
    Challenged
}
