if header :is "X-Spam" "Yes" { discard; }
