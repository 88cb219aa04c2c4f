using System.CommandLine;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Scripts that let a shell complete command lines: they ask the program itself, through its directive [suggest].</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new()
    {
        // Words with = or : in them are several to bash; the whole line is what the program is given.
        ["bash"] = """
            # peftml: completion for bash. Add to ~/.bashrc: source <(peftml completion bash)
            _peftml() {
                local current="${COMP_WORDS[COMP_CWORD]}" IFS=$'\n'
                local suggested=$(peftml "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)
                COMPREPLY=($(compgen -W "${suggested}" -- "${current}"))
                if [ ${#COMPREPLY[@]} -eq 0 ]; then
                    COMPREPLY=($(compgen -f -- "${current}"))
                    compopt -o filenames
                fi
            }
            complete -F _peftml peftml
            """,
        ["zsh"] = """
            # peftml: completion for zsh. Add to ~/.zshrc, behind compinit: source <(peftml completion zsh)
            _peftml() {
                local -a suggested
                suggested=("${(@f)$(peftml "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
                compadd -- ${suggested:#} || _files
            }
            compdef _peftml peftml
            """,
        ["fish"] = """
            # peftml: completion for fish. Save as ~/.config/fish/completions/peftml.fish
            function __peftml_complete
                set -l line (commandline -cp | string trim --left)
                set -l suggested (peftml "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null | string match --regex ".+")
                if set -q suggested[1]
                    printf '%s\n' $suggested
                else
                    __fish_complete_path (commandline -ct)
                end
            end
            complete -c peftml -f -a "(__peftml_complete)"
            """,
        ["pwsh"] = """
            # peftml: completion for PowerShell. Add to $PROFILE: peftml completion pwsh | Out-String | Invoke-Expression
            Register-ArgumentCompleter -Native -CommandName peftml -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                peftml "[suggest:$cursorPosition]" "$commandAst" 2>$null | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("completion", "Print a script that lets a shell complete peftml's command lines.", "source <(peftml completion bash)");
        var shell = new Argument<string>("SHELL") { Description = $"{string.Join(", ", Scripts.Keys)}." };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        verb.Add(shell);
        verb.Run(terminal, (parsed, _) => terminal.Out.WriteLine(Scripts[parsed.GetValue(shell)!]));
        return verb;
    }
}
