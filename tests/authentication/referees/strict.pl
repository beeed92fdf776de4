#!/usr/bin/perl
# What Mail::SPF and Mail::DKIM say of messages: reads them as JSON, and writes the results by their names.
#
#   strict.pl ADDRESS PORT < messages    the name server to ask
use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Mail::SPF;
use MIME::Base64;
use Net::DNS::Resolver;

my ($address, $port) = @ARGV;
my $resolver = Net::DNS::Resolver->new(
    nameservers => [$address], port => $port, recurse => 1, dnsrch => 0, defnames => 0,
);
Mail::DKIM::DNS::resolver($resolver);
my $spf = Mail::SPF::Server->new(dns_resolver => $resolver, hostname => 'mx.example.net');

sub by_spf {
    my ($client) = @_;
    my $request = Mail::SPF::Request->new(
        versions => [1],
        scope => 'mfrom',
        identity => $client->{sender} || "postmaster\@$client->{helo}",
        ip_address => $client->{address},
        helo_identity => $client->{helo},
    );
    return $spf->process($request)->code;
}

sub by_dkim {
    my ($verifier, $message) = @_;
    $verifier->PRINT($message);
    $verifier->CLOSE;
    return $verifier->result_detail;
}

my %said;
for my $case (@{ decode_json(do { local $/; <STDIN> }) }) {
    my $message = decode_base64($case->{message});
    $said{ $case->{name} } = {
        spf => by_spf($case),
        dkim => by_dkim(Mail::DKIM::Verifier->new, $message),
        arc => by_dkim(Mail::DKIM::ARC::Verifier->new, $message),
    };
}
print encode_json(\%said);
