// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Der} from "./Der.sol";
import {Extensions} from "./Extensions.sol";
import {Issuers} from "./Issuers.sol";
import {Names} from "./Names.sol";
import {Octets} from "./Octets.sol";
import {P256} from "./P256.sol";
import {Signed} from "./Signed.sol";
import {UtcTime} from "./UtcTime.sol";

/// @title Complete revocation lists, version 2, with a next update. RFC 5280, section 5.
library RevocationLists {
    /// @dev INTEGER 1.
    uint256 private constant VERSION_2 = 0x020101;
    uint256 private constant EXTENSIONS = 0xa0;

    struct List {
        Signed.Frame frame;
        bytes32 issuer;
        bytes32 authorityKeyId;
        uint40 thisUpdate;
        uint40 nextUpdate;
        /// @dev The entries; both zero where there is none.
        uint256 offset;
        uint256 end;
    }

    /// @notice Parses a list and verifies that it is the issuer's and valid now.
    function verify(bytes calldata der, Issuers.Issuer memory issuer) internal view returns (List memory list) {
        list = _parse(der);
        require(list.issuer == issuer.name, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Issuer));
        require(
            list.authorityKeyId != bytes32(0) && list.authorityKeyId == issuer.keyId,
            IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.IssuerKey)
        );
        require(
            block.timestamp >= list.thisUpdate && block.timestamp <= list.nextUpdate,
            IDcapErrors.DcapNotValid(IDcapErrors.Timed.PckCrl, list.thisUpdate, list.nextUpdate)
        );
        P256.check(list.frame.digest, list.frame.signature, issuer.key, IDcapErrors.Signed.RevocationList);
    }

    /// @notice The serial number of the entry at `offset`, and where the next one starts.
    function entry(uint256 offset, uint256 end) internal pure returns (uint256 serial, uint256 next) {
        (offset, next) = Der.open(offset, end, Der.SEQUENCE);
        (serial, offset) = Der.unsigned(offset, next);
        require(serial <= type(uint160).max, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Serial));
        (, offset) = UtcTime.der(offset, next);
        if (offset != next) _readExtensions(Der.whole(offset, next, Der.SEQUENCE), next);
    }

    function _parse(bytes calldata der) private pure returns (List memory list) {
        list.frame = Signed.read(der);
        (uint256 offset, uint256 end) = (list.frame.start, list.frame.stop);
        require(Octets.number(offset, 3) == VERSION_2, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Version));
        offset = Signed.algorithm(offset + 3, end);
        (list.issuer, offset) = Names.hash(offset, end);
        (list.thisUpdate, offset) = UtcTime.der(offset, end);
        (list.nextUpdate, offset) = UtcTime.der(offset, end);
        if (Der.peek(offset, end) == Der.SEQUENCE) {
            (list.offset, list.end) = Der.open(offset, end, Der.SEQUENCE);
            offset = list.end;
        }
        offset = Der.whole(offset, end, EXTENSIONS);
        list.authorityKeyId = _readExtensions(Der.whole(offset, end, Der.SEQUENCE), end);
    }

    /// @dev No critical extension is understood: that leaves out partial, indirect and delta lists.
    function _readExtensions(uint256 offset, uint256 end) private pure returns (bytes32 authorityKeyId) {
        Extensions.Extension memory item;
        while (offset != end) {
            (item, offset) = Extensions.read(offset, end);
            require(!item.critical, IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Extension));
            if (item.id == Extensions.AUTHORITY_KEY_ID) {
                require(authorityKeyId == bytes32(0), IDcapErrors.DcapRuleBroken(IDcapErrors.Rule.Extension));
                authorityKeyId = Extensions.authorityKeyId(item.start, item.stop);
            }
        }
    }
}
