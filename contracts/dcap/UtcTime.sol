// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDcapErrors} from "../interfaces/IDcapErrors.sol";
import {Der} from "./Der.sol";
import {Octets} from "./Octets.sol";

/// @title Points in time, in seconds since 1970
library UtcTime {
    uint256 private constant UTC_TIME = 0x17;
    uint256 private constant GENERALIZED_TIME = 0x18;
    /// @dev Days in the months from March on, as (153 * month + 2) / 5 gives their sums.
    uint256 private constant DAYS_TO_1970 = 719_468;
    uint256 private constant DAYS_IN_MONTH = 0x1f1c1f1e1f1e1f1f1e1f1e1f;

    /// @notice A UTCTime or GeneralizedTime in UTC with seconds. RFC 5280, section 4.1.2.5.
    function der(uint256 offset, uint256 end) internal pure returns (uint40 time, uint256 next) {
        unchecked {
            uint256 tag;
            uint256 start;
            (tag, start, next) = Der.any(offset, end);
            uint256 year = _pair(start, offset);
            if (tag == UTC_TIME) {
                require(next - start == 13, IDcapErrors.DcapMalformedDer(offset));
                year += year < 50 ? 2000 : 1900;
            } else {
                require(tag == GENERALIZED_TIME && next - start == 15, IDcapErrors.DcapMalformedDer(offset));
                start += 2;
                year = year * 100 + _pair(start, offset);
            }
            require(Octets.number(next - 1, 1) == 0x5a, IDcapErrors.DcapMalformedDer(offset));
            uint256 date = _date(year, _pair(start + 2, offset), _pair(start + 4, offset), offset);
            time = uint40(
                date + _clock(_pair(start + 6, offset), _pair(start + 8, offset), _pair(start + 10, offset), offset)
            );
        }
    }

    /// @notice The 20 characters of an ISO 8601 time in UTC, as in `2026-08-13T10:45:38Z`.
    function iso(uint256 offset) internal pure returns (uint40 time) {
        uint256 text = Octets.word(offset);
        // The dashes, the T, the colons and the Z, and nothing where the digits stand.
        uint256 marks = text & 0x00000000ff0000ff0000ff0000ff0000ff0000ff000000000000000000000000;
        require(
            marks == 0x000000002d00002d00005400003a00003a00005a000000000000000000000000,
            IDcapErrors.DcapMalformedDer(offset)
        );
        uint256 year = _pair(offset, offset) * 100 + _pair(offset + 2, offset);
        uint256 date = _date(year, _pair(offset + 5, offset), _pair(offset + 8, offset), offset);
        time = uint40(
            date + _clock(_pair(offset + 11, offset), _pair(offset + 14, offset), _pair(offset + 17, offset), offset)
        );
    }

    function _date(uint256 year, uint256 month, uint256 day, uint256 offset) private pure returns (uint256) {
        unchecked {
            require(year >= 1950 && month > 0 && month < 13, IDcapErrors.DcapMalformedDer(offset));
            uint256 length = (DAYS_IN_MONTH >> (96 - 8 * month)) & 0xff;
            if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) length = 29;
            require(day > 0 && day <= length, IDcapErrors.DcapMalformedDer(offset));
            if (month < 3) {
                --year;
                month += 12;
            }
            uint256 sinceYearZero = 365 * year + year / 4 - year / 100 + year / 400;
            uint256 total = sinceYearZero + (153 * (month - 3) + 2) / 5 + day - 1;
            // What ended before 1970 is as good as 1970.
            return total < DAYS_TO_1970 ? 0 : (total - DAYS_TO_1970) * 1 days;
        }
    }

    function _clock(uint256 hour, uint256 minute, uint256 second, uint256 offset) private pure returns (uint256) {
        unchecked {
            require(hour < 24 && minute < 60 && second < 60, IDcapErrors.DcapMalformedDer(offset));
            return hour * 1 hours + minute * 1 minutes + second;
        }
    }

    function _pair(uint256 offset, uint256 element) private pure returns (uint256) {
        uint256 characters = Octets.word(offset) >> 240;
        unchecked {
            uint256 tens = (characters >> 8) - 0x30;
            uint256 ones = (characters & 0xff) - 0x30;
            require(tens < 10 && ones < 10, IDcapErrors.DcapMalformedDer(element));
            return tens * 10 + ones;
        }
    }
}
