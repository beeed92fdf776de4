require "vacation";
vacation :days 7 "I am away from my desk.";
discard;
