// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Der} from "./Der.sol";
import {Octets} from "./Octets.sol";

/// @title Distinguished names: compared by the hash of their DER
library Names {
    uint256 private constant COMMON_NAME = 0x55040303;

    /// @dev Characters in the calldata.
    struct Text {
        uint256 start;
        uint256 stop;
    }

    /// @notice Hash of the name at `offset`.
    function hash(uint256 offset, uint256 end) internal pure returns (bytes32 name, uint256 next) {
        (, next) = Der.open(offset, end, Der.SEQUENCE);
        name = keccak256(Octets.slice(offset, next));
    }

    /// @notice Hash of the name at `offset`, and its last common name.
    function read(
        uint256 offset,
        uint256 end
    ) internal pure returns (bytes32 name, Text memory commonName, uint256 next) {
        (name, next) = hash(offset, end);
        (offset, ) = Der.open(offset, end, Der.SEQUENCE);
        while (offset != next) {
            (uint256 item, uint256 stop) = Der.open(offset, next, Der.SET);
            while (item != stop) item = _readAttribute(commonName, item, stop);
            offset = stop;
        }
    }

    /// @notice Whether `text` ends in the `length` first characters of `phrase`.
    function endsIn(Text memory text, bytes32 phrase, uint256 length) internal pure returns (bool) {
        (uint256 start, uint256 stop) = (text.start, text.stop);
        return stop - start >= length && Octets.number(stop - length, length) == uint256(phrase) >> (256 - 8 * length);
    }

    function _readAttribute(Text memory commonName, uint256 offset, uint256 end) private pure returns (uint256 next) {
        uint256 id;
        (offset, next) = Der.open(offset, end, Der.SEQUENCE);
        (id, offset) = Der.oid(offset, next);
        (, uint256 start, uint256 stop) = Der.any(offset, next);
        Der.close(stop, next);
        if (id == COMMON_NAME) (commonName.start, commonName.stop) = (start, stop);
    }
}
