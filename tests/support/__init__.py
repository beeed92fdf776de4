"""What tests share: peers that misbehave, rigs, clients, a running mailtrip. No test is in
here."""
