"""What tests share: peers that misbehave, benches, clients, a running mailtrip. No test is in
here."""
